import type { Leaderboard, Sample } from '@murnau/domain';
import { parameter, words } from '../format.js';
import { comparable, varyingParameters } from '../pictures/choose-samples.js';
import { html, type Html } from './html.js';
import { metricText, nothing, samplePicture } from './parts.js';

/** Pictures of the trials, best first; the same prompts and seeds in each column. */
export function sideBySide(
  { runs, metric }: Pick<Leaderboard, 'runs' | 'metric'>,
  samples: ReadonlyMap<string, readonly Sample[]>,
): Html {
  const drawn = comparable(runs, (id) => samples.get(id) ?? []);
  if (drawn.length === 0) return nothing('No picture yet.');
  const positions = [...new Set(drawn.flatMap(({ pictures }) => pictures.map(({ position }) => position)))]
    .sort((a, b) => a - b)
    .slice(0, 8);
  const parameters = varyingParameters(runs);
  return html`<div class="scroll" id="side-scroll" tabindex="0" role="group" aria-label="Trials side by side">
    <table class="grid">
      <thead>
        <tr>
          <th></th>
          ${promptSpans(drawn[0]?.pictures ?? [], positions).map(
            ([prompt, span]) => html`<th scope="colgroup" class="prompt" colspan="${span}">${prompt}</th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${drawn.map(
          ({ run, pictures }) =>
            html`<tr>
              <th scope="row">
                <a href="/runs/${run.id}">trial ${run.trial}</a>
                <dl>
                  ${parameters.map(
                    (name) =>
                      html`<div>
                        <dt>${words(name)}</dt>
                        <dd>${parameter(run.parameters[name])}</dd>
                      </div>`,
                  )}
                  <div>
                    <dt>${words(metric)}</dt>
                    <dd>${metricText(run, metric)}</dd>
                  </div>
                  <div>
                    <dt>step</dt>
                    <dd>${pictures[0]?.step}</dd>
                  </div>
                </dl>
              </th>
              ${positions.map((position) => {
                const sample = pictures.find((one) => one.position === position);
                return html`<td>${sample === undefined ? null : samplePicture(sample)}</td>`;
              })}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** The columns' prompts, as the first trial has them, and over how many columns each stands. */
function promptSpans(pictures: readonly Sample[], positions: readonly number[]): [string, number][] {
  const spans: [string, number][] = [];
  for (const position of positions) {
    const prompt = pictures.find((one) => one.position === position)?.prompt ?? '';
    const last = spans.at(-1);
    if (last?.[0] === prompt) last[1] += 1;
    else spans.push([prompt, 1]);
  }
  return spans;
}
