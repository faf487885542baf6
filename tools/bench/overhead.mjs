// `npm run -s bench:overhead`: what the orchestration of a trial costs. 40 trials of four trivial steps on a simulated
// device, 8 at once; `--ray` runs the same work with Ray Tune beside it. The last line is JSON.
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, processorMs, startDispatcher, startWorker, stopAll } from './hosts.mjs';
import { rayMsPerTrial } from './ray.mjs';
import { ended, openStage, storeSweep } from './stage.mjs';

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '40' },
    concurrency: { type: 'string', default: '8' },
    repeats: { type: 'string', default: '3' },
    ray: { type: 'boolean', default: false },
  },
});
const [trials, concurrency, repeats] = [values.trials, values.concurrency, values.repeats].map(Number);
const steps = 4;
const stepMs = 1;
const say = (line) => process.stderr.write(`${line}\n`);

/** Processor time of each part so far, in ms. */
function processor({ stack }, pids) {
  const parts = stack.parts.map(({ name, pid }) => [name, processorMs(pid)]);
  const postgres = stack.parts.find(({ name }) => name === 'postgres');
  const backends = childrenOf(postgres.pid).reduce((sum, pid) => sum + processorMs(pid), 0);
  return {
    ...Object.fromEntries(parts),
    postgres: processorMs(postgres.pid) + backends,
    ...Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, processorMs(pid)])),
  };
}

async function measure() {
  const stage = await openStage({ workers: 0 });
  try {
    const worker = await startWorker({ slots: concurrency, stepMs });
    const dispatcher = startDispatcher(stage, [{ name: 'simulated', address: worker.address }]);
    while ((await stage.store.workers.list()).length === 0) await sleep(50);
    const times = [];
    let parts;
    for (let repeat = 0; repeat <= repeats; repeat += 1) {
      const before = processor(stage, { worker: worker.pid, dispatcher });
      const sweep = await storeSweep(stage, { trials, concurrency, steps });
      const begin = performance.now();
      await stage.starters.startSweep(sweep);
      const { phase, counts } = await ended(stage, sweep.id);
      const msPerTrial = (performance.now() - begin) / trials;
      if (phase !== 'finished' || counts.finished !== trials) throw new Error(`the sweep is ${phase}`);
      const after = processor(stage, { worker: worker.pid, dispatcher });
      parts = Object.fromEntries(
        Object.keys(after).map((name) => [name, Math.round((after[name] - before[name]) / trials)]),
      );
      say(`${repeat === 0 ? 'warm-up' : `round ${repeat}`}: ${msPerTrial.toFixed(1)} ms per trial`);
      // The first loads code and fills caches, as a stack that runs has done.
      if (repeat > 0) times.push(msPerTrial);
    }
    return { times, parts };
  } finally {
    stopAll();
    await stage.close();
  }
}

const { times, parts } = await measure();
const median = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
const ray = values.ray ? await rayMsPerTrial({ trials, concurrency, steps, stepMs }, say) : null;
console.log(
  JSON.stringify({
    trials,
    concurrency,
    ms_per_trial: Number(median.toFixed(1)),
    processor_ms_per_trial: parts,
    ray_ms_per_trial: ray,
  }),
);
