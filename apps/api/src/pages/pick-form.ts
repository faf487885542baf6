import type { Run, Sweep } from '@murnau/domain';
import { parameter, words } from '../format.js';
import { varyingParameters } from '../pictures/choose-samples.js';
import { type Content, html } from './html.js';
import { section } from './layout.js';
import { metricText } from './parts.js';

/**
 * While a sweep waits at its gate: who is to train to the end.
 * @param waiting the best of those that wait there
 */
export function pickForm(
  { id, gate, counts, spec }: Pick<Sweep, 'id' | 'gate' | 'counts' | 'spec'>,
  waiting: readonly Run[],
  owner: string,
): Content {
  if (gate === null || gate.is_passed) return null;
  const { name: metric } = spec.metric;
  const isOpen = (counts['running'] ?? 0) + (counts['queued'] ?? 0) === 0;
  const others = (counts['waiting'] ?? 0) - waiting.length;
  const timer = gate.deadline === null ? '' : ` At ${gate.deadline} the best are picked without you.`;
  const parameters = varyingParameters(waiting);
  return section(
    'pick',
    'Pick the winners',
    html`<p class="under">
        The sweep waits at rung ${gate.rung}. Those picked train to the end, the others finish where they
        are.${timer}${isOpen ? '' : ' Some trials are still on their way to the rung.'}
      </p>
      <form data-post="/v1/sweeps/${id}/winners">
        <ul class="choices">
          ${waiting.map(
            (run) =>
              html`<li>
                <label
                  ><input type="checkbox" name="trials" id="pick-${run.trial}" value="${run.trial}" />
                  <b>trial ${run.trial}</b> ${words(metric)} ${metricText(run, metric)}
                  <span class="quiet"
                    >${parameters
                      .map((name) => `${words(name)} ${parameter(run.parameters[name])}`)
                      .join(', ')}</span
                  ></label
                >
              </li>`,
          )}
        </ul>
        ${
          others > 0
            ? html`<p class="under">
                The best ${waiting.length}; ${others} more wait:
                <code>murnau sweep pick ${id} TRIAL …</code>
              </p>`
            : null
        }
        <p>
          <label for="pick-why">Why</label>
          <input type="text" name="why" id="pick-why" maxlength="500" autocomplete="off" />
        </p>
        <p class="buttons"><button class="button main" type="submit">Pick as ${owner}</button></p>
        <p class="failure" role="alert" hidden></p>
      </form>`,
  );
}
