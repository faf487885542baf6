import type { Failure, Run, Sample } from '@murnau/domain';
import { number, percent } from '../format.js';
import { valueOf } from '../pictures/choose-samples.js';
import { type Content, html, type Html } from './html.js';

/** Pieces that several pages share. */

export const phasePill = (phase: string): Html => html`<span class="pill ${phase}">${phase}</span>`;

export function progressBar(done: number, total: number, label: string): Html {
  return html`<div class="progress">
    <progress max="${Math.max(1, total)}" value="${done}" aria-label="${label}">
      ${percent(done, total)}
    </progress>
    <span>${percent(done, total)}</span>
  </div>`;
}

/** CSS pixels; the file is fetched at twice that for dense screens, never enlarged. */
export type PictureSize = 'small' | 'medium' | 'large';
const fetchedWidths: Record<PictureSize, number> = { small: 96, medium: 256, large: 512 };

export function picture(hash: string, alt: string, size: PictureSize = 'medium'): Html {
  return html`<a class="picture ${size}" href="/v1/blobs/${hash}" title="${alt}"
    ><img
      src="/v1/blobs/${hash}?width=${fetchedWidths[size]}&amp;format=webp"
      alt="${alt}"
      loading="lazy"
      decoding="async"
  /></a>`;
}

/** Without a link of its own, for use inside one. */
export function thumbnail(hash: string | undefined): Html {
  if (hash === undefined) return html`<span class="thumb empty"></span>`;
  return html`<img
    class="thumb"
    src="/v1/blobs/${hash}?width=128&amp;format=webp"
    alt=""
    loading="lazy"
    decoding="async"
  />`;
}

export const samplePicture = (sample: Sample, size: PictureSize = 'medium'): Html =>
  picture(sample.hash, `${sample.prompt}, seed ${sample.seed}, step ${sample.step}`, size);

export function failureBox(failure: Failure | null): Content {
  if (failure === null) return null;
  return html`<div class="failure" role="alert">
    <p><strong>${failure.message}</strong></p>
    <p>${failure.next_step} <code>${failure.code}</code></p>
  </div>`;
}

export function facts(entries: readonly (readonly [name: string, value: Content])[]): Html {
  return html`<dl class="facts">
    ${entries.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

export const pairOf = ({ spec }: Pick<Run, 'spec'>): Html =>
  html`<span class="pair"
    ><b>${spec.placeholder_token}</b> <span aria-label="from">←</span> ${spec.initializer_token}</span
  >`;

export function metricText(run: Run, name: string): string {
  const value = valueOf(run, name);
  return value === undefined ? '–' : number(value);
}

export const nothing = (text: string): Html => html`<p class="nothing">${text}</p>`;

export function temporalLink(uiUrl: string, namespace: string, workflowId: string): Html {
  const url = `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
  return html`<a class="button" href="${url}" target="_blank" rel="noopener"
    >Temporal UI <span aria-hidden="true">↗</span></a
  >`;
}

/** Characters of a document that a page shows: a grid of ten thousand values is long. */
const mostJson = 20_000;

/**
 * Safe inside <pre>: escaped by `html`.
 * @param url where all of it is, if it is too long for a page
 */
export function json(value: unknown, url: string): Html {
  const text = JSON.stringify(value, null, 2);
  if (text.length <= mostJson) return html`<pre>${text}</pre>`;
  return html`<pre>${text.slice(0, mostJson)}…</pre>
    <p class="under">The first ${mostJson} characters; <a href="${url}">all of it</a>.</p>`;
}
