// `npm run -s bench:two-models -- --minutes M --slots S`: two models on one simulated worker, a sweep of equal trials on
// each. Says what part of the finished trials each model has, and how many claims the worker refused. The last line is
// JSON; the exit code is 0 where each has 40 % or more and none was refused.
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { fallen, startDispatcher, startWorker, stopAll } from './hosts.mjs';
import { openStage, storeSweep } from './stage.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    slots: { type: 'string', default: '2' },
  },
});
const [minutes, slots] = [values.minutes, values.slots].map(Number);
const models = ['first', 'second'];
const leastShare = 0.4;
const steps = 20;
const stepMs = 20;
/** More than end in the time: neither sweep runs out of them. */
const trials = Math.ceil((minutes * 60_000 * slots) / (steps * stepMs)) + slots;
const say = (line) => process.stderr.write(`${line}\n`);

const finishedOf = async ({ database }, { id }) => {
  const { rows } = await database.query(
    `select count(*)::int as trials from runs where sweep_id = $1 and phase = 'finished'`,
    [id],
  );
  return rows[0].trials;
};

/** Segments that were claimed and did not begin, or did not go well. */
async function refusedClaims({ database }) {
  const { rows } = await database.query(
    `select count(*)::int as claims from events where kind = 'restarted' and data ->> 'cause' = 'worker'`,
  );
  return rows[0].claims;
}

async function measure() {
  const stage = await openStage({ workers: 0 });
  try {
    const worker = await startWorker({ slots, stepMs, models });
    startDispatcher(stage, [{ name: 'simulated', address: worker.address }]);
    while ((await stage.store.workers.list()).length === 0) await sleep(50);
    const sweeps = await Promise.all(
      models.map((model) => storeSweep(stage, { model, trials, concurrency: 2 * slots, steps })),
    );
    for (const sweep of sweeps) await stage.starters.startSweep(sweep);
    const deadline = performance.now() + minutes * 60_000;
    let finished = [];
    while (performance.now() < deadline) {
      await sleep(Math.min(10_000, Math.max(0, deadline - performance.now())));
      if (fallen().length > 0) throw new Error(`ended too early: ${fallen().join(', ')}`);
      finished = await Promise.all(sweeps.map((sweep) => finishedOf(stage, sweep)));
      say(`finished: ${models.map((model, index) => `${model} ${finished[index]}`).join(', ')}`);
    }
    const total = finished.reduce((sum, count) => sum + count, 0);
    return {
      minutes,
      slots,
      finished: Object.fromEntries(models.map((model, index) => [model, finished[index]])),
      least_share: Number((Math.min(...finished) / total).toFixed(3)),
      refused_claims: await refusedClaims(stage),
    };
  } finally {
    stopAll();
    await stage.close();
  }
}

const figures = await measure();
console.log(JSON.stringify(figures));
process.exitCode = figures.least_share >= leastShare && figures.refused_claims === 0 ? 0 : 1;
