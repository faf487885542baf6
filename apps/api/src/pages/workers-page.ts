import type { Worker } from '@murnau/domain';
import { ago, bytes, number } from '../format.js';
import { html, type Html } from './html.js';
import { layout, section } from './layout.js';
import { facts, nothing, phasePill } from './parts.js';

export function workersPage(workers: readonly Worker[], temporalUiUrl: string, now: number): Html {
  return layout({
    title: 'Workers',
    section: '/workers',
    temporalUiUrl,
    refreshMs: 2_000,
    content: section(
      'workers',
      'Workers',
      workers.length === 0
        ? nothing('No worker has come up yet; `murnau doctor` says why.')
        : html`<div class="cards wide">${workers.map((worker) => card(worker, now))}</div>`,
    ),
  });
}

function card(worker: Worker, now: number): Html {
  const { name, address, state, reason, device, models, slots, running, generating, steps_per_second } =
    worker;
  const memory =
    device.memory_bytes > 0
      ? `${bytes(device.memory_used_bytes)} of ${bytes(device.memory_bytes)}`
      : bytes(device.memory_used_bytes);
  return html`<article class="card worker">
    <div>
      <h3>${name} ${phasePill(state)}</h3>
      ${reason === null ? null : html`<p class="failure">${reason}</p>`}
      <div class="slots" role="img" aria-label="${running} of ${slots} slots busy">
        ${Array.from({ length: Math.min(slots, 64) }, (_, index) => html`<i class="${index < running ? 'busy' : ''}"></i>`)}
        <span>${running} of ${slots} slots busy${generating > 0 ? `, ${generating} generating` : ''}</span>
      </div>
      ${facts([
        ['steps per second', html`<b>${number(Number(steps_per_second.toFixed(2)))}</b>`],
        ['device', `${device.name}${device.threads > 0 ? `, ${device.threads} threads` : ''}`],
        ['memory', memory],
        ['address', html`<code>${address}</code>`],
        ['heard of', ago(worker.last_seen_at, now)],
        ...models.map(
          (model) =>
            [
              model.name,
              html`${modelText(model)} <code title="fingerprint">${model.fingerprint.slice(0, 12)}</code>`,
            ] as const,
        ),
      ])}
    </div>
  </article>`;
}

function modelText({ loaded, image_size, judge }: Worker['models'][number]): string {
  const judged = judge === '' ? [] : [`judge ${judge}`];
  return [loaded ? 'loaded' : 'not loaded', `${image_size} px`, ...judged].join(', ');
}
