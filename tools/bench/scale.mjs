// `npm run -s bench:scale -- --trials N --workers W`: one sweep of many simulated trials over many logical workers in at
// most four dispatcher processes. Says whether what a trial costs stays the same, and what viewers wait for beside a
// sweep of a hundred trials. `--api-only`: only the viewers. The last line is JSON.
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { sweepFigures, trialFigures } from './histories.mjs';
import {
  childrenOf,
  fallen,
  peakMemoryMb,
  processorMs,
  startDispatcher,
  startSimulatedWorker,
  stopAll,
} from './hosts.mjs';
import { measureApi, openSmallSide } from './scale-api.mjs';
import { ended, openStage, storeSweep } from './stage.mjs';
import { figuresOf, look, watch } from './viewers.mjs';

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '10000' },
    workers: { type: 'string', default: '200' },
    dispatchers: { type: 'string', default: '4' },
    'api-only': { type: 'boolean', default: false },
  },
});
const [trials, workers, dispatchers] = [values.trials, values.workers, values.dispatchers].map(Number);
const steps = 4;
const say = (line) => process.stderr.write(`${line}\n`);

/** Numbered from 0, shared out evenly. */
function share(address) {
  const names = Array.from({ length: workers }, (_, index) => `logical-${index}`);
  const size = Math.ceil(workers / Math.min(dispatchers, workers));
  return Array.from({ length: Math.ceil(workers / size) }, (_, index) =>
    names.slice(index * size, (index + 1) * size).map((name) => ({ name, address })),
  );
}

/** Most of its connections that the database had open at once, by what opened them. */
class Connections {
  most = 0;

  async look(database) {
    const { rows } = await database.query(
      `select count(*)::int as open from pg_stat_activity where application_name like 'murnau%'`,
    );
    this.most = Math.max(this.most, rows[0].open);
  }
}

/** Milliseconds per trial in each tenth of the sweep (each thousand of ten thousand). */
async function tenths(database, sweepId) {
  const { rows } = await database.query(
    `with ordered as (
       select finished_at, row_number() over (order by finished_at) - 1 as place from runs where sweep_id = $1
     )
     select (10 * place / $2)::int as tenth, count(*)::int as trials,
            extract(epoch from max(finished_at))::float8 as until_s
     from ordered group by tenth order by tenth`,
    [sweepId, trials],
  );
  const { rows: first } = await database.query(
    `select extract(epoch from min(started_at))::float8 as begin_s from runs where sweep_id = $1`,
    [sweepId],
  );
  let before = first[0].begin_s;
  return rows.map(({ until_s, trials: count }) => {
    const ms = (1_000 * (until_s - before)) / count;
    before = until_s;
    return Number(ms.toFixed(1));
  });
}

/** Processor time per trial in each tenth: it tells what a trial costs also where others use the machine. */
function processorByTenth(looks) {
  const at = (done) => looks.find((look) => look.done >= done) ?? looks.at(-1);
  const total = ({ processorMs: byPart }) => Object.values(byPart).reduce((sum, ms) => sum + ms, 0);
  return Array.from({ length: 10 }, (_, tenth) => {
    const [from, to] = [at((trials * tenth) / 10), at((trials * (tenth + 1)) / 10)];
    return Math.round((total(to) - total(from)) / Math.max(1, to.done - from.done));
  });
}

/** Over the whole sweep, by part. */
function processorByPart(looks) {
  const [first, last] = [looks[0].processorMs, looks.at(-1).processorMs];
  return Object.fromEntries(
    Object.entries(last).map(([part, ms]) => [part, Number(((ms - first[part]) / trials).toFixed(1))]),
  );
}

const sumOf = (pids, figure) => pids.reduce((sum, pid) => sum + figure(pid), 0);

/** @param parts process ids by what they are; @param atHalf called when half of the trials have finished */
async function follow(stage, sweep, { connections, parts, atHalf }) {
  let told = 0;
  let atHalfOnce = atHalf;
  const looks = [];
  const end = ended(stage, sweep.id, 500);
  let isOver = false;
  const over = end.finally(() => (isOver = true));
  while (!isOver) {
    if (fallen().length > 0) throw new Error(`ended too early: ${fallen().join(', ')}`);
    await connections.look(stage.database);
    const { rows } = await stage.database.query(
      `select coalesce(sum(trials), 0)::int as done from sweep_tallies where sweep_id = $1 and state = 'finished'`,
      [sweep.id],
    );
    looks.push({ done: rows[0].done, processorMs: processorOf(parts) });
    if (rows[0].done >= trials / 2) {
      atHalfOnce?.();
      atHalfOnce = undefined;
    }
    if (rows[0].done >= told + trials / 20) {
      told = rows[0].done;
      say(`${new Date().toISOString().slice(11, 19)} ${told} of ${trials} trials have finished`);
    }
    await Promise.race([over, sleep(1_000)]);
  }
  const { phase, counts } = await over;
  looks.push({ done: counts.finished, processorMs: processorOf(parts) });
  return { phase, counts, looks };
}

/** PostgreSQL's backends come and go. */
function processorOf(parts) {
  const [postgres] = parts.postgres;
  const pids = { ...parts, postgres: [postgres, ...childrenOf(postgres)] };
  return Object.fromEntries(Object.entries(pids).map(([part, each]) => [part, sumOf(each, processorMs)]));
}

/** How often a segment was begun for each trial: more than once where an attempt was lost. */
async function claimsPerTrial(database, sweepId) {
  const { rows } = await database.query(
    `select count(*)::float8 as claims from events where sweep_id = $1 and kind = 'claimed'`,
    [sweepId],
  );
  return Number((rows[0].claims / trials).toFixed(3));
}

/** Trials with one end, one embedding and one checkpoint that certifies their last step. */
async function endedOnce(database, sweepId) {
  const { rows } = await database.query(
    `select count(*)::int as trials from runs
     where sweep_id = $1 and phase = 'finished' and certified_step = (spec ->> 'max_steps')::int
       and 1 = (select count(*) from events where run_id = runs.id and kind = 'finished')
       and 1 = (select count(*) from embeddings where run_id = runs.id)`,
    [sweepId],
  );
  return rows[0].trials;
}

async function measure() {
  const small = await openSmallSide();
  const stage = await openStage({ workers: 0 });
  try {
    const worker = await startSimulatedWorker({ slots: 1, stepMs: 5 });
    const shares = share(worker.address);
    const hosts = shares.map((hosted) => startDispatcher(stage, hosted));
    while ((await stage.store.workers.list()).length < workers && fallen().length === 0) await sleep(100);
    say(`${workers} logical workers in ${shares.length} dispatchers`);
    const connections = new Connections();
    const api = { url: stage.stack.apiUrl, token: stage.stack.token };
    const sweep = await storeSweep(stage, { trials, concurrency: workers, steps });
    const watched = watch(api, sweep.id, stage.home);
    const begin = performance.now();
    await stage.starters.startSweep(sweep);
    const parts = {
      ...Object.fromEntries(stage.stack.parts.map(({ name, pid }) => [name, [pid]])),
      dispatchers: hosts,
      simulated_worker: [worker.pid],
    };
    let running;
    const sides = [small, { api, sweepId: sweep.id }];
    const atHalf = () => (running = look(sides));
    const {
      phase,
      counts,
      looks: processorLooks,
    } = await follow(stage, sweep, { connections, parts, atHalf });
    const seconds = (performance.now() - begin) / 1_000;
    const perTrial = await tenths(stage.database, sweep.id);
    const [postgres] = parts.postgres;
    await stage.client.workflow.getHandle(sweep.workflow_id).result();
    const watching = await watched;
    const looks = { rest: await look(sides), running: await running };
    return {
      trials,
      workers,
      dispatchers: hosts.length,
      phase,
      finished: counts.finished,
      seconds: Number(seconds.toFixed(1)),
      ms_per_trial: Number(((1_000 * seconds) / trials).toFixed(1)),
      ms_per_trial_by_tenth: perTrial,
      processor_ms_per_trial: processorByPart(processorLooks),
      processor_ms_per_trial_by_tenth: processorByTenth(processorLooks),
      ended_exactly_once: await endedOnce(stage.database, sweep.id),
      claims_per_trial: await claimsPerTrial(stage.database, sweep.id),
      sweep: await sweepFigures(stage, sweep),
      trial: await trialFigures(stage, sweep),
      peak_memory_mb: {
        ...Object.fromEntries(stage.stack.parts.map(({ name, pid }) => [name, peakMemoryMb(pid)])),
        largest_postgres_backend: Math.max(...childrenOf(postgres).map(peakMemoryMb)),
        dispatchers: hosts.map(peakMemoryMb),
        simulated_worker: peakMemoryMb(worker.pid),
      },
      most_database_connections: connections.most,
      watch_ok: watching.code === 0 && watching.ended === trials,
      ...figuresOf(looks),
    };
  } finally {
    stopAll();
    await Promise.allSettled([stage.close(), small.close()]);
  }
}

if (values['api-only']) {
  const figures = await measureApi(trials, say);
  console.log(JSON.stringify(figures));
  process.exitCode = figures.watch_ok ? 0 : 1;
} else {
  const figures = await measure();
  console.log(JSON.stringify(figures));
  process.exitCode = figures.finished === trials && figures.watch_ok ? 0 : 1;
}
