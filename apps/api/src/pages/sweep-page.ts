import { expectedTrials, isOpen } from '@murnau/domain';
import type { Finalist, Leaderboard, Run, Sample, StoredEvent, Sweep, SweepDecision } from '@murnau/domain';
import type { SweepImportance } from '../advice/sweep-importance.js';
import { decisionList } from './decision-list.js';
import { eventList } from './event-list.js';
import { finalistTable } from './finalist-table.js';
import { ago, duration, parameter, words } from '../format.js';
import { comparable, coverOf, valueOf, varyingParameters } from '../pictures/choose-samples.js';
import { type Content, html, type Html } from './html.js';
import { importanceList } from './importance-list.js';
import { layout, section } from './layout.js';
import {
  facts,
  failureBox,
  json,
  metricText,
  nothing,
  phasePill,
  progressBar,
  samplePicture,
  temporalLink,
  thumbnail,
} from './parts.js';
import { pickForm } from './pick-form.js';

export interface SweepPage {
  sweep: Sweep;
  leaderboard: Leaderboard;
  /** Of the best trials, by run id. */
  samples: ReadonlyMap<string, readonly Sample[]>;
  events: readonly StoredEvent[];
  /** Newest first. */
  decisions: readonly SweepDecision[];
  finalists: readonly Finalist[];
  /** Undefined: nothing can be told apart. */
  importance: SweepImportance | undefined;
  /** Who looks, and picks. */
  owner: string;
  temporalUiUrl: string;
  namespace: string;
  now: number;
}

export function sweepPage(page: SweepPage): Html {
  const { sweep, leaderboard, temporalUiUrl } = page;
  return layout({
    title: sweep.name,
    section: undefined,
    temporalUiUrl,
    ...(isOpen(sweep.phase) ? { eventsUrl: `/v1/sweeps/${sweep.id}/events?after=now` } : {}),
    content: [
      head(page),
      pickForm(sweep, leaderboard, page.owner),
      section(
        'leaderboard',
        'Leaderboard',
        board(page),
        `by ${words(leaderboard.metric)}, ${leaderboard.goal}`,
      ),
      page.finalists.length === 0
        ? null
        : section(
            'finalists',
            'Finalists',
            finalistTable(page.finalists, leaderboard),
            'the best trials again, on several seeds',
          ),
      page.importance === undefined
        ? null
        : section(
            'importance',
            'What matters',
            importanceList(page.importance),
            'how much each parameter decides whether a trial is among the best',
          ),
      section('side-by-side', 'Side by side', sideBySide(page), 'same prompts and seeds in each column'),
      section('decisions', 'Decisions', decisionList(page.decisions), 'newest first, UTC'),
      html`<div class="columns">
        ${section('spec', 'Specification', specification(sweep))}
        ${section(
          'events',
          'Events',
          eventList(
            page.events.filter(({ kind }) => kind !== 'progress'),
            trialNames(page),
          ),
          'newest first, UTC',
        )}
      </div>`,
    ],
  });
}

const phaseOrder = ['finished', 'running', 'waiting', 'queued', 'paused', 'failed', 'cancelled'];

function head({ sweep, leaderboard, temporalUiUrl, namespace, now }: SweepPage): Html {
  const { counts, created_at, finished_at } = sweep;
  const steps = leaderboard.runs.reduce((sum, { step }) => sum + step, 0);
  const allSteps = leaderboard.runs.reduce((sum, { spec }) => sum + spec.max_steps, 0);
  const took =
    finished_at === null
      ? `for ${duration(now - Date.parse(created_at))}`
      : `took ${duration(Date.parse(finished_at) - Date.parse(created_at))}, ended ${ago(finished_at, now)}`;
  const shown = phaseOrder.filter((phase) => (counts[phase] ?? 0) > 0);
  return html`<section id="head" class="head" data-live>
    <p class="crumbs"><a href="/">Home</a> / sweep</p>
    <h1>${sweep.name} ${phasePill(sweep.phase)}</h1>
    <p class="lead">${expectedTrials(sweep)} trials, ${sweep.spec.method}, on ${sweep.spec.model}</p>
    ${isOpen(sweep.phase) ? progressBar(steps, allSteps, 'All trials') : null}
    <p class="under">
      ${shown.map((phase) => html`<span class="count ${phase}">${counts[phase] ?? 0} ${phase}</span> `)} ·
      ${took}
    </p>
    ${sweep.notices.map((notice) => html`<p class="under">${notice}</p>`)}
    ${sweep.stop_reason === null ? null : html`<p class="under">Nothing more is started: ${sweep.stop_reason}.</p>`}
    ${failureBox(sweep.failure)}
    <p class="buttons">
      ${
        sweep.best_run_id === null
          ? null
          : html`<a class="button main" href="/runs/${sweep.best_run_id}">Best trial</a>`
      }
      ${
        leaderboard.runs.some(({ certified_step }) => certified_step > 0)
          ? html`<a class="button" href="/v1/sweeps/${sweep.id}/sheet.png">Contact sheet</a>`
          : null
      }
      ${temporalLink(temporalUiUrl, namespace, sweep.workflow_id)}
    </p>
  </section>`;
}

/** How an event's run is called on this page. */
function trialNames({ leaderboard }: SweepPage): ReadonlyMap<string, string> {
  return new Map(leaderboard.runs.map(({ id, trial }) => [id, `trial ${trial ?? 0}`]));
}

function board({ sweep, leaderboard: { runs, metric }, samples }: SweepPage): Html {
  if (runs.length === 0) return nothing('No trial is planned yet.');
  const parameters = varyingParameters(runs);
  const extra = ['image_alignment', 'eval_loss'].filter(
    (name) => name !== metric && runs.some(({ metrics }) => metrics[name] !== undefined),
  );
  return html`<div class="scroll" id="board-scroll" tabindex="0" role="group" aria-label="Leaderboard">
    <table class="board">
      <thead>
        <tr>
          <th scope="col"><span class="quiet">#</span></th>
          <th scope="col">trial</th>
          ${parameters.map((name) => html`<th scope="col">${words(name)}</th>`)}
          <th scope="col" class="number">${words(metric)}</th>
          ${extra.map((name) => html`<th scope="col" class="number">${words(name)}</th>`)}
          <th scope="col">progress</th>
        </tr>
      </thead>
      <tbody>
        ${runs.map(
          (run, index) =>
            html`<tr class="${run.id === sweep.best_run_id ? 'best' : ''}">
              <td class="quiet">${valueOf(run, metric) === undefined ? '–' : index + 1}</td>
              <td>
                <a class="with-thumb" href="/runs/${run.id}"
                  >${thumbnail(coverOf(samples.get(run.id) ?? []))}<span>trial ${run.trial}</span></a
                >
              </td>
              ${parameters.map((name) => html`<td>${parameter(run.parameters[name])}</td>`)}
              <td class="number"><b>${metricText(run, metric)}</b></td>
              ${extra.map((name) => html`<td class="number">${metricText(run, name)}</td>`)}
              <td>${trialProgress(run)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function trialProgress({ phase, step, spec, early_stop }: Run): Content {
  if (early_stop !== null) return html`${phasePill(phase)} at step ${step} (${early_stop})`;
  if (phase === 'waiting') return html`${phasePill(phase)} at step ${step}`;
  if (phase !== 'running' && phase !== 'paused') return phasePill(phase);
  return progressBar(step, spec.max_steps, 'Training');
}

function sideBySide({ leaderboard: { runs, metric }, samples }: SweepPage): Html {
  const drawn = comparable(runs, (id) => samples.get(id) ?? []);
  if (drawn.length === 0) return nothing('No picture yet.');
  const positions = [...new Set(drawn.flatMap(({ pictures }) => pictures.map(({ position }) => position)))]
    .sort((a, b) => a - b)
    .slice(0, 8);
  const parameters = varyingParameters(runs);
  return html`<div class="scroll" id="side-scroll" tabindex="0" role="group" aria-label="Trials side by side">
    <table class="grid">
      <thead>
        <tr>
          <th></th>
          ${promptSpans(drawn[0]?.pictures ?? [], positions).map(
            ([prompt, span]) => html`<th scope="colgroup" class="prompt" colspan="${span}">${prompt}</th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${drawn.map(
          ({ run, pictures }) =>
            html`<tr>
              <th scope="row">
                <a href="/runs/${run.id}">trial ${run.trial}</a>
                <dl>
                  ${parameters.map(
                    (name) =>
                      html`<div>
                        <dt>${words(name)}</dt>
                        <dd>${parameter(run.parameters[name])}</dd>
                      </div>`,
                  )}
                  <div>
                    <dt>${words(metric)}</dt>
                    <dd>${metricText(run, metric)}</dd>
                  </div>
                  <div>
                    <dt>step</dt>
                    <dd>${pictures[0]?.step}</dd>
                  </div>
                </dl>
              </th>
              ${positions.map((position) => {
                const sample = pictures.find((one) => one.position === position);
                return html`<td>${sample === undefined ? null : samplePicture(sample)}</td>`;
              })}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** The columns' prompts, as the first trial has them, and over how many columns each stands. */
function promptSpans(pictures: readonly Sample[], positions: readonly number[]): [string, number][] {
  const spans: [string, number][] = [];
  for (const position of positions) {
    const prompt = pictures.find((one) => one.position === position)?.prompt ?? '';
    const last = spans.at(-1);
    if (last?.[0] === prompt) last[1] += 1;
    else spans.push([prompt, 1]);
  }
  return spans;
}

function specification({ spec, owner, workflow_id, max_concurrent_trials, priority }: Sweep): Html {
  return html`${facts([
      ['method', spec.method],
      ['metric', html`${words(spec.metric.name)} <small>${spec.metric.goal}</small>`],
      ['model', spec.model],
      ['dataset', spec.dataset],
      ['seed', String(spec.seed)],
      ['at once', String(max_concurrent_trials)],
      ['priority', String(priority)],
      ['owner', owner],
      ['workflow', html`<code>${workflow_id}</code>`],
    ])}
    <details id="spec-json">
      <summary>All of it</summary>
      ${json(spec)}
    </details>`;
}
