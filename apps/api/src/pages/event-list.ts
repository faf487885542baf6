import type { StoredEvent } from '@murnau/domain';
import { clock, number, words } from '../format.js';
import { html, type Html } from './html.js';
import { nothing } from './parts.js';

function value(given: unknown): string {
  if (typeof given === 'number') return number(given);
  if (typeof given === 'string') return given;
  return JSON.stringify(given);
}

function details({ data }: StoredEvent): string {
  return Object.entries(data)
    .filter(([, given]) => given !== null && !(typeof given === 'object' && Object.keys(given).length === 0))
    .map(([name, given]) => `${words(name)} ${value(given)}`)
    .join(' · ');
}

/** Newest first. */
export function eventList(events: readonly StoredEvent[]): Html {
  if (events.length === 0) return nothing('Nothing has happened yet.');
  return html`<ol class="events">
    ${[...events].reverse().map(
      (event) =>
        html`<li>
          <time datetime="${event.created_at}">${clock(event.created_at)}</time> <b>${words(event.kind)}</b>
          <span>${details(event)}</span>
        </li>`,
    )}
  </ol>`;
}
