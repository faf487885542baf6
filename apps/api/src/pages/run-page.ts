import { aloneText, baselineWordOf, isOpen, judgedLines, learningRatesOf, towerNames } from '@murnau/domain';
import type { Dataset, MetricPoint, Run, Sample, StoredEvent } from '@murnau/domain';
import { ofKind, sampledSteps } from '../pictures/choose-samples.js';
import { eventList } from './event-list.js';
import { ago, duration, number, words } from '../format.js';
import { type Content, html, type Html } from './html.js';
import { layout, section } from './layout.js';
import { lineChart, type Series } from './line-chart.js';
import {
  facts,
  failureBox,
  json,
  nothing,
  pairOf,
  phasePill,
  picture,
  progressBar,
  samplePicture,
  temporalLink,
} from './parts.js';

export interface RunPage {
  run: Run;
  /** Thinned. */
  curves: readonly MetricPoint[];
  /** Of some steps. */
  samples: readonly Sample[];
  dataset: Dataset;
  /** The newest, oldest first. */
  events: readonly StoredEvent[];
  temporalUiUrl: string;
  namespace: string;
  now: number;
}

export function runPage(page: RunPage): Html {
  const { run, temporalUiUrl, dataset } = page;
  return layout({
    title: run.name,
    section: undefined,
    temporalUiUrl,
    ...(isOpen(run.phase) ? { eventsUrl: `/v1/runs/${run.id}/events?after=now` } : {}),
    content: [
      head(page),
      finalAgainstBaselines(page),
      section(
        'samples',
        'Samples over steps',
        samplesOverSteps(page.samples),
        'same prompt and seed in each row',
      ),
      section('charts', 'Curves', charts(run, page.curves)),
      section(
        'dataset',
        'Learnt from',
        html`<div class="pictures">${dataset.images.map(({ hash, name }) => picture(hash, name))}</div>`,
        html`${dataset.name}, ${dataset.images.length} pictures`,
      ),
      html`<div class="columns">
        ${section('spec', 'Specification', specification(run))}
        ${section('events', 'Events', eventList(page.events), 'newest first, UTC')}
      </div>`,
    ],
  });
}

function head({ run, temporalUiUrl, namespace, now }: RunPage): Html {
  const { spec, sweep_id, trial, embedding_id } = run;
  const sheet = run.certified_step > 0;
  return html`<section id="head" class="head" data-live>
    <p class="crumbs">
      <a href="/">Home</a> /
      ${sweep_id === null ? 'run' : html`<a href="/sweeps/${sweep_id}">sweep ${sweep_id}</a> / trial ${trial ?? 0}`}
    </p>
    <h1>${run.name} ${phasePill(run.phase)}</h1>
    <p class="lead">${pairOf(run)} on ${spec.model}</p>
    ${isOpen(run.phase) ? progressBar(run.step, spec.max_steps, 'Training') : null}
    <p class="under">
      step ${number(run.step)} of ${number(spec.max_steps)} · ${timing(run, now)}${restarts(run)}
    </p>
    ${failureBox(run.failure)} ${tiles(run)}
    <p class="buttons">
      ${
        embedding_id === null
          ? null
          : html`<a class="button main" href="/v1/embeddings/${embedding_id}/file" download
                >Embedding (.safetensors)</a
              >
              <a class="button" href="/v1/embeddings/${embedding_id}/file?format=bin" download
                >Embedding (.bin)</a
              >`
      }
      ${sheet ? html`<a class="button" href="/v1/runs/${run.id}/sheet.png">Contact sheet</a>` : null}
      ${temporalLink(temporalUiUrl, namespace, run.workflow_id)}
    </p>
  </section>`;
}

function timing({ created_at, started_at, finished_at, step, spec }: Run, now: number): string {
  if (started_at === null) return `waiting since ${ago(created_at, now)}`;
  const started = Date.parse(started_at);
  if (finished_at !== null)
    return `took ${duration(Date.parse(finished_at) - started)}, ended ${ago(finished_at, now)}`;
  const left = step > 0 ? ((now - started) / step) * (spec.max_steps - step) : undefined;
  return `for ${duration(now - started)}${left === undefined ? '' : `, about ${duration(left)} left`}`;
}

function restarts(run: Run): string {
  const causes = Object.entries(run.restarts).filter(([, count]) => count > 0);
  if (causes.length === 0) return '';
  const alone = isOpen(run.phase) ? aloneText(run) : undefined;
  const taken = ` · taken up again: ${causes.map(([cause, count]) => `${count} × ${words(cause)}`).join(', ')}`;
  return alone === undefined ? taken : `${taken} · ${alone}`;
}

function tiles(run: Run): Content {
  const { metrics, best } = run;
  const tile = (name: string, value: number | undefined, note: Content = null): Content =>
    value === undefined
      ? null
      : html`<div class="tile"><span>${name}</span><b>${number(value)}</b><small>${note}</small></div>`;
  const baseline = metrics['baseline_image_alignment'];
  return html`<div class="tiles">
    ${tile(
      'image alignment',
      metrics['image_alignment'],
      baseline === undefined ? null : html`${baselineWordOf(run)} alone: ${number(baseline)}`,
    )}
    ${tile('text alignment', metrics['text_alignment'])} ${tile('eval gain', metrics['eval_gain'])}
    ${tile('eval loss', metrics['eval_loss'])} ${tile('train loss', metrics['train_loss'])}
    ${best === null ? null : tile(`best ${words(best.name)}`, best.value, html`at step ${best.step}`)}
  </div>`;
}

/** The learnt word and what is free, one row each, a seed a column; shown while it is awaited, and when it is there. */
function finalAgainstBaselines({ run, samples }: RunPage): Content {
  const { spec } = run;
  const final = ofKind(samples, 'final');
  if (final.length === 0 && !isOpen(run.phase)) return null;
  if (final.length === 0)
    return section('results', 'Result', nothing("The final pictures are drawn at the run's end."));
  const rows: readonly [Content, readonly Sample[]][] = [
    [html`learnt: <b>${spec.placeholder_token}</b>`, final],
    [html`the word <b>${baselineWordOf(run)}</b> alone`, ofKind(samples, 'baseline')],
    [html`fused: a picture and <b>${spec.initializer_token}</b>`, ofKind(samples, 'fuse_baseline')],
  ];
  const table = html`<div class="scroll" id="results-scroll" tabindex="0" role="group" aria-label="Result">
    <table class="grid">
      <thead>
        <tr>
          <th scope="col">seed</th>
          ${final.map(({ seed }) => html`<th scope="col">${seed}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows
          .filter(([, pictures]) => pictures.length > 0)
          .map(
            ([title, pictures]) =>
              html`<tr>
                <th scope="row">${title}</th>
                ${pictures.map((sample) => html`<td>${samplePicture(sample)}</td>`)}
              </tr>`,
          )}
      </tbody>
    </table>
  </div>`;
  const lines = judgedLines(run).map((line) => html`<li>${line}</li>`);
  const verdict =
    lines.length === 0
      ? null
      : html`<ul class="verdict">
          ${lines}
        </ul>`;
  return section('results', 'Result', html`${verdict}${table}`, 'same prompt and seed in each column');
}

function samplesOverSteps(samples: readonly Sample[]): Html {
  const progress = ofKind(samples, 'progress');
  if (progress.length === 0) return nothing('No picture yet.');
  const steps = sampledSteps(samples);
  const positions = [...new Set(progress.map(({ position }) => position))].sort((a, b) => a - b);
  const at = new Map(progress.map((sample) => [`${sample.step}/${sample.position}`, sample]));
  return html`<div
    class="scroll"
    id="samples-scroll"
    tabindex="0"
    role="group"
    aria-label="Samples over steps"
  >
    <table class="grid ${steps.length <= 8 ? 'roomy' : ''}">
      <thead>
        <tr>
          <th scope="col">seed</th>
          ${steps.map((step) => html`<th scope="col">step ${step}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${positions.map((position) => {
          const first = progress.find((sample) => sample.position === position);
          const before = progress.find((sample) => sample.position === position - 1);
          const isNew = first?.prompt !== before?.prompt;
          return html`${
              isNew
                ? html`<tr>
                    <th scope="rowgroup" class="prompt" colspan="${steps.length + 1}">${first?.prompt}</th>
                  </tr>`
                : null
            }
            <tr>
              <th scope="row">${first?.seed}</th>
              ${steps.map((step) => {
                const sample = at.get(`${step}/${position}`);
                return html`<td>${sample === undefined ? null : samplePicture(sample)}</td>`;
              })}
            </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

/** Which metrics share a chart, in the order shown; the rest follow by common prefix in a folded part. */
const mainCharts: readonly { title: string; names: readonly string[] }[] = [
  { title: 'Loss', names: ['train_loss', 'eval_loss'] },
  { title: 'Eval gain', names: ['eval_gain'] },
  { title: 'Alignment', names: ['image_alignment', 'text_alignment'] },
  {
    title: 'Eval loss by timestep',
    names: ['eval_loss_0_249', 'eval_loss_250_499', 'eval_loss_500_749', 'eval_loss_750_999'],
  },
];

function charts(run: Run, curves: readonly MetricPoint[]): Html {
  if (curves.length === 0) return nothing('No metric yet.');
  const byName = new Map<string, { x: number; y: number }[]>();
  for (const { name, step, value } of curves) {
    const points = byName.get(name) ?? [];
    points.push({ x: step, y: value });
    byName.set(name, points);
  }
  const chart = (title: string, names: readonly string[]): Content => {
    const series = names.flatMap((name, index) => seriesOf(name, index + 1, byName.get(name)));
    // A single value is no curve; the tiles above show it.
    return series.every(({ points }) => points.length < 2)
      ? null
      : lineChart({ title, xLabel: 'step', xMax: run.spec.max_steps, series });
  };
  const shown = new Set(mainCharts.flatMap(({ names }) => names));
  const groups = new Map<string, string[]>();
  for (const name of [...byName.keys()].filter((other) => !shown.has(other)).sort()) {
    const tower = towerNames.find((end) => name.endsWith(`_${end}`));
    const group = tower === undefined ? name : name.slice(0, -tower.length - 1);
    groups.set(group, [...(groups.get(group) ?? []), name]);
  }
  return html`<div class="charts">${mainCharts.map(({ title, names }) => chart(title, names))}</div>
    ${
      groups.size === 0
        ? null
        : html`<details id="more-charts">
            <summary>${groups.size} more</summary>
            <div class="charts">${[...groups].map(([group, names]) => chart(words(group), names))}</div>
          </details>`
    }`;
}

/** The training loss is drawn pale with its moving average over it: single batches say little. */
function seriesOf(name: string, color: number, points: { x: number; y: number }[] | undefined): Series[] {
  if (points === undefined) return [];
  if (name !== 'train_loss' || points.length < 20) return [{ name: words(name), points, color }];
  let mean = points[0]?.y ?? 0;
  const smooth = points.map(({ x, y }) => ({ x, y: (mean += 0.1 * (y - mean)) }));
  return [
    { name: 'train loss, each batch', points, isFaint: true, color },
    { name: 'train loss', points: smooth, color },
  ];
}

function specification(run: Run): Html {
  const { spec } = run;
  const rates = learningRatesOf(spec);
  const unit = `${spec.learning_rate_unit}, ${Object.keys(rates).join(' / ')}`;
  return html`${facts([
      ['placeholder', spec.placeholder_token],
      ['initializer', spec.initializer_token],
      ['model', spec.model],
      ['learning rates', html`${Object.values(rates).map(number).join(' / ')} <small>${unit}</small>`],
      ['steps', number(spec.max_steps)],
      ['batch', number(spec.batch_size)],
      ['schedule', spec.schedule],
      ['seed', String(spec.seed)],
      ['dataset', run.dataset_id],
      ['owner', run.owner],
      ['workflow', html`<code>${run.workflow_id}</code>`],
    ])}
    <details id="spec-json">
      <summary>All of it</summary>
      ${json(spec, `/v1/runs/${run.id}`)}
    </details>`;
}
