import {
  type Embedding,
  familyOptions,
  familyOptionsOf,
  type Generation,
  type GenerationRequest,
  inputsOf,
  titleOf,
} from '@murnau/domain';
import { ago, number, parameter, words } from '../format.js';
import { type Content, html, type Html } from './html.js';
import { layout, section } from './layout.js';
import { facts, failureBox, json, nothing, phasePill, picture, progressBar } from './parts.js';

export interface GenerationPage {
  generation: Generation;
  embeddings: readonly Embedding[];
  temporalUiUrl: string;
  now: number;
}

type Fact = readonly [name: string, value: Content];

const taskNames: Record<GenerationRequest['task'], string> = {
  text2img: 'text to picture',
  fuse: 'fuse',
  inpaint: 'inpainting',
  img2img: 'picture to picture',
};
/** Characters of a heading; the whole text is in the request. */
const longestHeading = 200;

export function generationPage(page: GenerationPage): Html {
  const { generation, temporalUiUrl } = page;
  const { id, request, images } = generation;
  const title = heading(request);
  return layout({
    title,
    section: undefined,
    temporalUiUrl,
    ...(isActive(generation) ? { eventsUrl: `/v1/generations/${id}/events?after=now` } : {}),
    content: [
      head(page, title),
      section('pictures', 'Pictures', pictures(generation, title), `${images.length} of ${request.count}`),
      inputs(request),
      section('spec', 'Recipe', recipe(page)),
    ],
  });
}

const isActive = ({ phase }: Generation): boolean => phase === 'queued' || phase === 'running';

function heading(request: GenerationRequest): string {
  const title = titleOf(request);
  return title.length > longestHeading ? `${title.slice(0, longestHeading)}…` : title;
}

function head({ generation, now }: GenerationPage, title: string): Html {
  const { id, request, images, phase, progress, failure, notices, created_at, owner } = generation;
  const sheet = html`<a class="button" href="/v1/generations/${id}/sheet.png">Contact sheet</a>`;
  return html`<section id="head" class="head" data-live>
    <p class="crumbs"><a href="/">Home</a> / generation</p>
    <h1>“${title}” ${phasePill(phase)}</h1>
    <p class="lead">
      ${taskNames[request.task]} by ${request.model}, asked for ${ago(created_at, now)} by ${owner}
    </p>
    ${isActive(generation) ? progressBar(progress, 1, 'Drawing') : null} ${failureBox(failure)}
    ${notices.map((notice) => html`<p class="notice" role="status">${notice}</p>`)}
    <p class="buttons">${images.length === 0 ? null : sheet}</p>
  </section>`;
}

function figure(hash: string, alt: string, caption: Content): Html {
  return html`<figure>
    ${picture(hash, alt, 'large')}
    <figcaption>${caption}</figcaption>
  </figure>`;
}

/** With the newest preview last while more are to come. */
function pictures(generation: Generation, title: string): Html {
  const { images, preview_hash } = generation;
  const preview = isActive(generation) ? preview_hash : null;
  if (images.length === 0 && preview === null) return nothing('No picture yet.');
  return html`<div class="pictures">
    ${images.map(({ hash, seed }) => figure(hash, `${title}, seed ${seed}`, `seed ${seed}`))}
    ${preview === null ? null : figure(preview, 'preview of the picture being drawn', 'being drawn')}
  </div>`;
}

function inputs(request: GenerationRequest): Content {
  const given = inputsOf(request);
  if (given.length === 0) return null;
  const weightOf = (field: string): string => {
    const index = /^items\[(\d+)\]/.exec(field)?.[1];
    if (request.task !== 'fuse' || index === undefined) return field;
    return `weight ${request.items[Number(index)]?.weight ?? ''}`;
  };
  const drawn = given.map(({ field, hash }) => figure(hash, field, weightOf(field)));
  return section('inputs', 'Made from', html`<div class="pictures">${drawn}</div>`);
}

function recipe({ generation, embeddings }: GenerationPage): Html {
  const { id, request, produced_by: producer } = generation;
  return html`${facts([
      ...taskFacts(request),
      ...embeddings.map(embeddingFact),
      ['sampler', request.sampler],
      ['decoder steps', orDefault(request.num_steps)],
      ['guidance', orDefault(request.guidance_scale)],
      ...optionFacts(request),
      ['seeds', `${request.seed} to ${request.seed + request.count - 1}`],
      ...(producer === null ? [] : producerFacts(producer)),
    ])}
    <p class="nothing">
      Every picture carries its recipe: <code>murnau generate --from FILE</code> makes it again.
    </p>
    <details id="spec-json">
      <summary>All of it</summary>
      ${json({ request, produced_by: producer }, `/v1/generations/${id}`)}
    </details>`;
}

const orDefault = (value: number | undefined): string => (value === undefined ? 'default' : number(value));

/** The family's own options, those that were given. */
function optionFacts(request: GenerationRequest): Fact[] {
  const isDefault = (name: string, value: unknown): boolean => {
    const option = familyOptions[name];
    return option !== undefined && 'default' in option && option.default === value;
  };
  return Object.entries(familyOptionsOf(request))
    .filter(([name, value]) => !isDefault(name, value))
    .map(([name, value]) => [words(name), parameter(value)]);
}

function taskFacts(request: GenerationRequest): Fact[] {
  if (request.task === 'fuse') {
    return request.items.map(({ text = 'a picture', weight }): Fact => [`weight ${weight}`, text]);
  }
  const prompt: Fact = ['prompt', request.prompt];
  return request.task === 'img2img' ? [prompt, ['strength', number(request.strength)]] : [prompt];
}

function embeddingFact({ placeholder_token, id, run_id }: Embedding): Fact {
  const source =
    run_id === null ? `imported, ${id}` : html`learnt by <a href="/runs/${run_id}">run ${run_id}</a>`;
  return [placeholder_token, source];
}

function producerFacts(producer: NonNullable<Generation['produced_by']>): Fact[] {
  return [
    ['weights', html`<code>${producer.model_fingerprint.slice(0, 16)}</code>`],
    ['numerics', html`<code>${producer.numeric_fingerprint}</code>`],
    ['worker', producer.worker_version],
  ];
}
