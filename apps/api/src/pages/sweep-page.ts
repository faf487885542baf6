import { endedPhases, expectedTrials, isOpen } from '@murnau/domain';
import type { Finalist, Leaderboard, Run, Sample, StoredEvent, Sweep, SweepDecision } from '@murnau/domain';
import type { SweepImportance } from '../advice/sweep-importance.js';
import { decisionList } from './decision-list.js';
import { eventList } from './event-list.js';
import { finalistTable } from './finalist-table.js';
import { ago, duration, number, parameter, words } from '../format.js';
import { coverOf, valueOf, varyingParameters } from '../pictures/choose-samples.js';
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
  temporalLink,
  thumbnail,
} from './parts.js';
import { pickForm } from './pick-form.js';
import { sideBySide } from './side-by-side.js';

export interface SweepPage {
  sweep: Sweep;
  /** The best trials. */
  leaderboard: Leaderboard;
  /** Some of those that run. */
  running: readonly Run[];
  /** The best of those that wait at the gate while it is open. */
  waiting: readonly Run[];
  /** Of the best trials, by run id. */
  samples: ReadonlyMap<string, readonly Sample[]>;
  /** Without the trials' progress. */
  events: readonly StoredEvent[];
  /** Runs of the events, of the finalists and of their repetitions. */
  trials: readonly { run_id: string; trial: number }[];
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
  const shown = new Set(leaderboard.runs.map(({ id }) => id));
  const others = page.running.filter(({ id }) => !shown.has(id));
  return layout({
    title: sweep.name,
    section: undefined,
    temporalUiUrl,
    ...(isOpen(sweep.phase) ? { eventsUrl: `/v1/sweeps/${sweep.id}/events?after=now` } : {}),
    content: [
      head(page),
      pickForm(sweep, page.waiting, page.owner),
      section(
        'leaderboard',
        'Leaderboard',
        html`${board(page)}${moreTrials(page)}`,
        `by ${words(leaderboard.metric)}, ${leaderboard.goal}`,
      ),
      others.length === 0
        ? null
        : section('running', 'Running now', runningNow(others), `of ${sweep.counts['running'] ?? 0}`),
      page.finalists.length === 0
        ? null
        : section(
            'finalists',
            'Finalists',
            finalistTable(page.finalists, leaderboard.metric, page.trials),
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
      section(
        'side-by-side',
        'Side by side',
        sideBySide(leaderboard, page.samples),
        'same prompts and seeds in each column',
      ),
      section('decisions', 'Decisions', decisionList(page.decisions), 'newest first, UTC'),
      html`<div class="columns">
        ${section('spec', 'Specification', specification(sweep))}
        ${section('events', 'Events', eventList(page.events, trialNames(page)), 'newest first, UTC')}
      </div>`,
    ],
  });
}

const phaseOrder = ['finished', 'running', 'waiting', 'queued', 'paused', 'failed', 'cancelled'];

/** Trials that have ended, and how far the running ones shown have come. */
const doneTrials = ({ sweep: { counts }, running }: SweepPage): number =>
  endedPhases.reduce((sum, phase) => sum + (counts[phase] ?? 0), 0) +
  running.reduce((sum, { step, spec }) => sum + step / spec.max_steps, 0);

function head(page: SweepPage): Html {
  const { sweep, leaderboard, temporalUiUrl, namespace, now } = page;
  const { counts, created_at, finished_at } = sweep;
  const took =
    finished_at === null
      ? `for ${duration(now - Date.parse(created_at))}`
      : `took ${duration(Date.parse(finished_at) - Date.parse(created_at))}, ended ${ago(finished_at, now)}`;
  const shown = phaseOrder.filter((phase) => (counts[phase] ?? 0) > 0);
  return html`<section id="head" class="head" data-live>
    <p class="crumbs"><a href="/">Home</a> / sweep</p>
    <h1>${sweep.name} ${phasePill(sweep.phase)}</h1>
    <p class="lead">${number(expectedTrials(sweep))} trials, ${sweep.spec.method}, on ${sweep.spec.model}</p>
    ${isOpen(sweep.phase) ? progressBar(doneTrials(page), expectedTrials(sweep), 'All trials') : null}
    <p class="under">
      ${shown.map((phase) => html`<span class="count ${phase}">${number(counts[phase] ?? 0)} ${phase}</span> `)}
      · ${took}
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
const trialNames = ({ trials }: SweepPage): ReadonlyMap<string, string> =>
  new Map(trials.map(({ run_id, trial }) => [run_id, `trial ${trial}`]));

function moreTrials({ sweep, leaderboard: { runs } }: SweepPage): Content {
  if (sweep.trials <= runs.length) return null;
  return html`<p class="under">
    The best ${runs.length} of ${number(sweep.trials)} trials; all of them:
    <code>murnau sweep describe ${sweep.id} --all</code>,
    <a href="/v1/sweeps/${sweep.id}/trials?limit=200">JSON</a>
  </p>`;
}

function runningNow(runs: readonly Run[]): Html {
  const parameters = varyingParameters(runs);
  return html`<div class="cards">
    ${runs.map(
      (run) =>
        html`<a class="card" href="/runs/${run.id}">
          <div>
            <h3>trial ${run.trial}</h3>
            <p>
              ${parameters.map(
                (name) =>
                  html`<span class="parameter">${words(name)} ${parameter(run.parameters[name])}</span> `,
              )}
            </p>
            ${progressBar(run.step, run.spec.max_steps, 'Training')}
          </div>
        </a>`,
    )}
  </div>`;
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

function specification({ id, spec, owner, workflow_id, max_concurrent_trials, priority }: Sweep): Html {
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
      ${json(spec, `/v1/sweeps/${id}`)}
    </details>`;
}
