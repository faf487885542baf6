import type { SweepDecision } from '@murnau/domain';
import { clock, words } from '../format.js';
import { html, type Html } from './html.js';
import { nothing } from './parts.js';

/** What a sweep and the people around it decided, newest first. */
export function decisionList(decisions: readonly SweepDecision[]): Html {
  if (decisions.length === 0) return nothing('Nothing was decided yet.');
  return html`<ol class="events">
    ${decisions.map(
      ({ at, kind, trial, by, why }) =>
        html`<li>
          <time datetime="${at}" title="${at}">${clock(at)}</time>
          <b>${words(kind)}</b>
          <span
            >${[
              ...(trial === null ? [] : [`trial ${trial}`]),
              ...(by === 'sweep' ? [] : [`by ${by}`]),
              ...(why === '' ? [] : [why]),
            ].join(' · ')}</span
          >
        </li>`,
    )}
  </ol>`;
}
