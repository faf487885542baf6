import { type Generation, type Run, type Sample, type Sweep, titleOf } from '@murnau/domain';
import { ago, number, parameter, words } from '../format.js';
import { coverOf } from '../pictures/choose-samples.js';
import { type Content, html, type Html } from './html.js';
import { layout, section } from './layout.js';
import { nothing, pairOf, phasePill, progressBar, thumbnail } from './parts.js';

export interface HomePage {
  /** The newest. */
  running: readonly Run[];
  /** Whether others run too. */
  moreRun: boolean;
  sweeps: readonly Sweep[];
  runs: readonly Run[];
  generations: readonly Generation[];
  /** Of the runs shown, by run id. */
  samples: ReadonlyMap<string, readonly Sample[]>;
  temporalUiUrl: string;
  now: number;
}

export function homePage(page: HomePage): Html {
  const { running, sweeps, runs, generations, temporalUiUrl } = page;
  const isEmpty = running.length + sweeps.length + runs.length + generations.length === 0;
  return layout({
    title: 'Home',
    section: '/',
    temporalUiUrl,
    refreshMs: 3_000,
    content: isEmpty
      ? section('empty', 'Nothing here yet', firstSteps())
      : [
          section('running', 'Running now', runningNow(page), page.moreRun ? 'the newest' : undefined),
          section('sweeps', 'Sweeps', sweepTable(page)),
          section('runs', 'Runs', runTable(page)),
          generations.length === 0 ? null : section('generations', 'Generations', generationGrid(page)),
        ],
  });
}

const firstSteps = (): Html =>
  html`<p>Start a small sweep on the sample pictures:</p>
    <pre>murnau demo</pre>
    <p>or teach a word from your own pictures:</p>
    <pre>murnau train ./my-pictures --placeholder sapsan --initializer train --watch</pre>`;

function runningNow({ running, samples }: HomePage): Html {
  if (running.length === 0) return nothing('Nothing is running.');
  return html`<div class="cards">
    ${running.map(
      (run) =>
        html`<a class="card" href="/runs/${run.id}">
          ${thumbnail(coverOf(samples.get(run.id) ?? []))}
          <div>
            <h3>${run.name}</h3>
            <p>${parametersOf(run)}</p>
            ${progressBar(run.step, run.spec.max_steps, 'Training')}
            <p class="under">step ${number(run.step)} of ${number(run.spec.max_steps)}${newest(run)}</p>
          </div>
        </a>`,
    )}
  </div>`;
}

function parametersOf(run: Run): Content {
  const others = Object.entries(run.parameters).filter(
    ([name]) => name !== 'placeholder' && name !== 'initializer',
  );
  return [
    pairOf(run),
    ...others.map(
      ([name, value]) => html` <span class="parameter">${words(name)} ${parameter(value)}</span>`,
    ),
  ];
}

function newest({ metrics }: Run): string {
  const name = ['eval_gain', 'eval_loss', 'train_loss'].find((candidate) => metrics[candidate] !== undefined);
  return name === undefined ? '' : ` · ${words(name)} ${number(metrics[name] ?? 0)}`;
}

function sweepTable({ sweeps, now, samples }: HomePage): Html {
  if (sweeps.length === 0) return nothing('No sweep yet.');
  return html`<div class="scroll" id="sweeps-scroll">
    <table class="board">
      <thead>
        <tr>
          <th scope="col">sweep</th>
          <th scope="col">phase</th>
          <th scope="col" class="number">trials</th>
          <th scope="col">metric</th>
          <th scope="col">owner</th>
          <th scope="col">started</th>
        </tr>
      </thead>
      <tbody>
        ${sweeps.map(
          (sweep) =>
            html`<tr>
              <td>
                <a class="with-thumb" href="/sweeps/${sweep.id}"
                  >${thumbnail(coverOf(samples.get(sweep.best_run_id ?? '') ?? []))}<span
                    >${sweep.name}</span
                  ></a
                >
              </td>
              <td>${phasePill(sweep.phase)}</td>
              <td class="number">${number(sweep.counts['finished'] ?? 0)} of ${number(sweep.trials)}</td>
              <td>${words(sweep.spec.metric.name)}</td>
              <td>${sweep.owner}</td>
              <td>${when(sweep.created_at, now)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function runTable({ runs, samples, now }: HomePage): Html {
  if (runs.length === 0) return nothing('No run of its own yet; trials are shown in their sweeps.');
  return html`<div class="scroll" id="runs-scroll">
    <table class="board">
      <thead>
        <tr>
          <th scope="col">run</th>
          <th scope="col">pair</th>
          <th scope="col">phase</th>
          <th scope="col" class="number">step</th>
          <th scope="col" class="number">alignment</th>
          <th scope="col">started</th>
        </tr>
      </thead>
      <tbody>
        ${runs.map((run) => {
          const alignment = run.metrics['image_alignment'];
          return html`<tr>
            <td>
              <a class="with-thumb" href="/runs/${run.id}"
                >${thumbnail(coverOf(samples.get(run.id) ?? []))}<span>${run.name}</span></a
              >
            </td>
            <td>${pairOf(run)}</td>
            <td>${phasePill(run.phase)}</td>
            <td class="number">${number(run.step)} / ${number(run.spec.max_steps)}</td>
            <td class="number">${alignment === undefined ? '–' : number(alignment)}</td>
            <td>${when(run.created_at, now)}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

function generationGrid({ generations }: HomePage): Html {
  return html`<div class="cards">
    ${generations.map(
      ({ id, request, images, phase }) =>
        html`<a class="card" href="/generations/${id}">
          ${thumbnail(images[0]?.hash)}
          <div>
            <h3>${titleOf(request)}</h3>
            <p class="under">
              ${phasePill(phase)} ${request.task}, ${images.length} of ${request.count} pictures
            </p>
          </div>
        </a>`,
    )}
  </div>`;
}

const when = (time: string, now: number): Html => html`<time datetime="${time}">${ago(time, now)}</time>`;
