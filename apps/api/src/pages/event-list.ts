import type { StoredEvent } from '@murnau/domain';
import { clock, number, words } from '../format.js';
import { html, type Html } from './html.js';
import { nothing } from './parts.js';

/** Of an event's metrics, those that say how it goes. */
const shownMetrics = ['eval_gain', 'eval_loss', 'train_loss', 'image_alignment'];

function value(given: unknown): string {
  if (typeof given === 'number') return number(given);
  if (typeof given === 'string') return given;
  return JSON.stringify(given);
}

function details({ data: { metrics, step, ...others } }: StoredEvent): string {
  const measured = Object.entries((metrics ?? {}) as Record<string, unknown>).filter(([name]) =>
    shownMetrics.includes(name),
  );
  const isEmpty = (given: unknown): boolean =>
    given === null ||
    given === undefined ||
    given === 0 ||
    (typeof given === 'object' && Object.keys(given).length === 0);
  return [
    ['step', step],
    ...Object.entries(others).filter(([name]) => name !== 'certified_step'),
    ...measured,
  ]
    .filter(([, given]) => !isEmpty(given))
    .map(([name, given]) => `${words(String(name))} ${value(given)}`)
    .join(' · ');
}

/**
 * Newest first.
 * @param runNames how runs are called, where a list speaks of several
 */
export function eventList(events: readonly StoredEvent[], runNames?: ReadonlyMap<string, string>): Html {
  if (events.length === 0) return nothing('Nothing has happened yet.');
  return html`<ol class="events">
    ${[...events].reverse().map((event) => {
      const run = event.run_id === null ? undefined : runNames?.get(event.run_id);
      return html`<li>
        <time datetime="${event.created_at}" title="${event.created_at}">${clock(event.created_at)}</time>
        ${run === undefined ? null : html`<a href="/runs/${event.run_id}">${run}</a>`}
        <b>${words(event.kind)}</b>
        <span>${details(event)}</span>
      </li>`;
    })}
  </ol>`;
}
