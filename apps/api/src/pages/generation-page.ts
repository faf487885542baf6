import type { Embedding, Generation } from '@murnau/domain';
import { ago, number } from '../format.js';
import { html, type Html } from './html.js';
import { layout, section } from './layout.js';
import { facts, failureBox, json, nothing, phasePill, picture, progressBar } from './parts.js';

export interface GenerationPage {
  generation: Generation;
  embeddings: readonly Embedding[];
  temporalUiUrl: string;
  now: number;
}

export function generationPage({ generation, embeddings, temporalUiUrl, now }: GenerationPage): Html {
  const { id, request, images, phase, progress, failure, created_at } = generation;
  const isActive = phase === 'queued' || phase === 'running';
  return layout({
    title: request.prompt,
    section: undefined,
    temporalUiUrl,
    ...(isActive ? { eventsUrl: `/v1/generations/${id}/events?after=now` } : {}),
    content: [
      html`<section id="head" class="head" data-live>
        <p class="crumbs"><a href="/">Home</a> / generation</p>
        <h1>“${request.prompt}” ${phasePill(phase)}</h1>
        <p class="lead">${request.model}, asked for ${ago(created_at, now)} by ${generation.owner}</p>
        ${isActive ? progressBar(progress, 1, 'Drawing') : null} ${failureBox(failure)}
        <p class="buttons">
          ${images.length === 0 ? null : html`<a class="button" href="/v1/generations/${id}/sheet.png">Contact sheet</a>`}
        </p>
      </section>`,
      section(
        'pictures',
        'Pictures',
        images.length === 0
          ? nothing('No picture yet.')
          : html`<div class="pictures">
              ${images.map(
                ({ hash, seed }) =>
                  html`<figure>
                    ${picture(hash, `${request.prompt}, seed ${seed}`, 'large')}
                    <figcaption>seed ${seed}</figcaption>
                  </figure>`,
              )}
            </div>`,
        `${images.length} of ${request.count}`,
      ),
      section(
        'spec',
        'Request',
        html`${facts([
            ['prompt', request.prompt],
            ...embeddings.map(
              ({ placeholder_token, id: embedding, run_id }) =>
                [
                  placeholder_token,
                  run_id === null
                    ? `imported, ${embedding}`
                    : html`learnt by <a href="/runs/${run_id}">run ${run_id}</a>`,
                ] as const,
            ),
            ['sampler', request.sampler],
            ['decoder steps', request.num_steps === 0 ? 'default' : number(request.num_steps)],
            ['guidance', request.guidance_scale === 0 ? 'default' : number(request.guidance_scale)],
          ])}
          <details id="spec-json">
            <summary>All of it</summary>
            ${json(request)}
          </details>`,
      ),
    ],
  });
}
