import { percent, words } from '../format.js';
import type { SweepImportance } from '../advice/sweep-importance.js';
import { html, type Html } from './html.js';
import { nothing } from './parts.js';

/** How much each parameter decides whether a trial is among the best. */
export function importanceList(importance: SweepImportance): Html {
  if (importance.kind === 'away') {
    return nothing('The advisor does not answer; what it finds is shown when it is there again.');
  }
  if (importance.kind === 'few') {
    const { finished, needed } = importance;
    return nothing(`${finished} of the ${needed} finished trials that it takes to tell.`);
  }
  return html`<dl class="shares">
    ${Object.entries(importance.shares).map(
      ([name, share]) =>
        html`<div>
          <dt>${words(name)}</dt>
          <dd>
            <progress max="1" value="${share}" aria-label="${words(name)}"></progress> ${percent(share, 1)}
          </dd>
        </div>`,
    )}
  </dl>`;
}
