import type { Finalist } from '@murnau/domain';
import { number, words } from '../format.js';
import { html, type Html } from './html.js';

/**
 * Trials that were trained again: what of their result was the trial, and what was luck of the seed.
 * @param trials their runs, and those of their repetitions
 */
export function finalistTable(
  finalists: readonly Finalist[],
  metric: string,
  trials: readonly { trial: number; run_id: string }[],
): Html {
  const ids = new Map(trials.map(({ trial, run_id }) => [trial, run_id]));
  const link = (trial: number, text: string): Html => html`<a href="/runs/${ids.get(trial)}">${text}</a>`;
  return html`<div class="scroll" id="finalists-scroll" tabindex="0" role="group" aria-label="Finalists">
    <table class="board">
      <thead>
        <tr>
          <th scope="col">finalist</th>
          <th scope="col" class="number">mean ${words(metric)}</th>
          <th scope="col" class="number">standard deviation</th>
          <th scope="col">on each seed</th>
        </tr>
      </thead>
      <tbody>
        ${finalists.map(({ trial, mean, repetitions }) => {
          const spread = deviation(repetitions, mean);
          return html`<tr>
            <td>${link(trial, `trial ${trial}`)}</td>
            <td class="number"><b>${mean === null ? '–' : number(mean)}</b></td>
            <td class="number">${spread === undefined ? '–' : number(spread)}</td>
            <td>
              ${repetitions.map(
                ({ trial: repetition, seed, value }) =>
                  html`<span class="repetition"
                    >${link(repetition, `seed ${seed}`)} ${value === null ? '–' : number(value)}</span
                  > `,
              )}
            </td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

/** Sample standard deviation. Undefined until all repetitions have ended, as the mean is, and for a single one. */
function deviation(repetitions: Finalist['repetitions'], mean: Finalist['mean']): number | undefined {
  if (mean === null || repetitions.length < 2) return undefined;
  const squares = repetitions.reduce((sum, { value }) => sum + ((value ?? mean) - mean) ** 2, 0);
  return Math.sqrt(squares / (repetitions.length - 1));
}
