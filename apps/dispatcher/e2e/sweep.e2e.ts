import type { SweepInput } from '@murnau/contracts';
import { orchestratorQueue, workflowTypes } from '@murnau/contracts';
import { expandTrials, parse, sweepFileSchema } from '@murnau/domain';
import type { Sweep, SweepFileInput } from '@murnau/domain';
import { fakeEmbedding } from '@murnau/gpu-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.js';
import { pause, startHarness } from './harness.js';
import { until } from './sweeps-under-test.js';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ stepMs: 20, slots: 3 });
});
afterAll(() => harness.stop());

async function createSweep(values: Partial<SweepFileInput> = {}): Promise<Sweep> {
  const spec = parse(
    sweepFileSchema,
    {
      name: 'pairs',
      model: 'fake',
      dataset: harness.datasetId,
      parameters: {
        pair: { values: [{ placeholder: 'sapsan', initializer: 'train' }] },
        seed: { values: [1, 2, 3, 4, 5] },
        max_steps: { value: 40 },
      },
      max_concurrent_trials: 2,
      checkpoint: { every_steps: 10 },
      eval: { every_steps: 20 },
      samples: { every_steps: 0, final_count: 1 },
      ...values,
    },
    'sweep file',
  );
  const trials = expandTrials(spec).map(({ dataset, ...trial }) => ({ ...trial, dataset_id: dataset }));
  return harness.store.sweeps.create({ owner: 'tester', spec, trials });
}

async function ended(id: string): Promise<Sweep> {
  for (let waited = 0; waited < 90_000; waited += 100) {
    const sweep = await harness.store.sweeps.get(id);
    if (sweep.phase !== 'running') return sweep;
    await pause(100);
  }
  throw new Error(`sweep ${id} has not ended: ${JSON.stringify(await harness.store.sweeps.get(id))}`);
}

const open = async (id: string): Promise<number> =>
  (await harness.store.sweeps.trials(id)).filter(({ phase }) => phase === 'queued' || phase === 'running')
    .length;

describe('a sweep', () => {
  it('is found by the reconciler and runs its trials through a window', async () => {
    // Stored, and not started by anybody.
    const { id } = await createSweep();
    let most = 0;
    const watching = setInterval(() => {
      void harness.store.sweeps.trials(id).then((trials) => {
        most = Math.max(most, trials.filter(({ phase }) => phase === 'running').length);
      });
    }, 50);
    const sweep = await ended(id);
    clearInterval(watching);
    expect(sweep).toMatchObject({ phase: 'finished', counts: { finished: 5 } });
    expect(most).toBeLessThanOrEqual(2);
    const { items: runs } = await harness.store.sweeps.leaderboard(id);
    for (const run of runs) {
      const embedding = await harness.store.embeddings.get(run.embedding_id ?? '');
      const bytes = await harness.store.blobs.get(embedding.hash);
      expect(bytes.toString()).toBe(fakeEmbedding(run.spec.seed, 40));
    }
    expect(sweep.best_run_id).toBe(runs[0]?.id);
  });

  it('survives a kill of the orchestrator and continues as new', async () => {
    const sweep = await createSweep();
    const input: SweepInput = { sweep_id: sweep.id, decisions_per_chain: 2 };
    await harness.store.sweeps.markStarted(sweep.id);
    await harness.client.workflow.start(workflowTypes.sweep, {
      workflowId: sweep.workflow_id,
      taskQueue: orchestratorQueue,
      args: [input],
    });
    await pause(1_500);
    await harness.orchestrator.stop();
    harness.orchestrator.start();
    expect(await ended(sweep.id)).toMatchObject({ phase: 'finished', counts: { finished: 5 } });
    const handle = harness.client.workflow.getHandle(sweep.workflow_id);
    expect(await handle.query('status')).toMatchObject({ phase: 'running' });
    const trial = (await harness.store.sweeps.trials(sweep.id))[4];
    expect(trial?.workflow_id).toBe(`${sweep.workflow_id}/trial-04`);
  });

  it('starts more while earlier starts are under way, and never more than a hundred at once', async () => {
    const seeds = Array.from({ length: 130 }, (_, index) => index + 1);
    const sweep = await createSweep({
      parameters: {
        pair: { values: [{ placeholder: 'sapsan', initializer: 'train' }] },
        seed: { values: seeds },
        max_steps: { value: 5_000 },
      },
      max_concurrent_trials: 120,
    });
    await harness.starters.startSweep(sweep);
    await until('a full window', async () => {
      const { open, to_start } = (await harness.store.sweeps.facts(sweep.id)).counts;
      return open === 120 && to_start === 10;
    });
    await harness.starters.cancelSweep(sweep, 'tester');
    expect(await ended(sweep.id)).toMatchObject({ phase: 'cancelled' });
    await until('the end of all trials', async () => (await open(sweep.id)) === 0);
    let underWay = 0;
    let most = 0;
    const { events } = JSON.parse(harness.showHistory(sweep.workflow_id)) as {
      events: { eventType: string }[];
    };
    for (const { eventType } of events) {
      if (eventType === 'EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED') underWay += 1;
      if (eventType === 'EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED') underWay -= 1;
      most = Math.max(most, underWay);
    }
    // One decision starts fifty at most.
    expect(most).toBeGreaterThan(50);
    expect(most).toBeLessThanOrEqual(100);
  });

  it('ends a trial that was terminated from outside, and goes on', async () => {
    const sweep = await createSweep();
    await harness.starters.startSweep(sweep);
    const first = `${sweep.workflow_id}/trial-00`;
    for (;;) {
      const trial = (await harness.store.sweeps.trials(sweep.id))[0];
      if (trial?.phase === 'running') break;
      await pause(50);
    }
    await harness.client.workflow.getHandle(first).terminate('test');
    expect(await ended(sweep.id)).toMatchObject({ phase: 'finished', counts: { finished: 4, cancelled: 1 } });
  });

  it('is cancelled with its trials', async () => {
    const sweep = await createSweep({
      parameters: {
        pair: { values: [{ placeholder: 'sapsan', initializer: 'train' }] },
        seed: { values: [1, 2, 3, 4, 5] },
        max_steps: { value: 5_000 },
      },
    });
    await harness.starters.startSweep(sweep);
    for (;;) {
      const trials = await harness.store.sweeps.trials(sweep.id);
      if (trials.filter(({ phase }) => phase === 'running').length === 2) break;
      await pause(50);
    }
    const beginMs = Date.now();
    await harness.starters.cancelSweep(sweep, 'tester');
    expect(await ended(sweep.id)).toMatchObject({ phase: 'cancelled' });
    while ((await open(sweep.id)) > 0) await pause(50);
    console.log('cancelled after', Date.now() - beginMs, 'ms');
    for (let waited = 0; waited < 5_000 && (harness.workers[0]?.sessions.size ?? 0) > 0; waited += 50)
      await pause(50);
    expect(harness.workers[0]?.sessions.size).toBe(0);
    // Asking twice is asking once.
    await harness.starters.cancelSweep(sweep, 'tester');
  });
});

describe('a run', () => {
  it('is cancelled while it trains, and keeps what is stored', async () => {
    const run = await harness.createRun({ max_steps: 5_000 });
    await harness.starters.startTrainingRun(run);
    while ((await harness.store.runs.get(run.id)).certified_step < 20) await pause(50);
    await harness.starters.cancelRun(run, 'tester');
    const cancelled = await harness.ended(run.id);
    expect(cancelled).toMatchObject({ phase: 'cancelled', failure: { code: 'run.cancelled' } });
    expect(cancelled.certified_step).toBeGreaterThanOrEqual(20);
    await harness.starters.cancelRun(run, 'tester');
  });

  it('is cancelled before any worker took it', async () => {
    const run = await harness.createRun({ model: 'nobody-serves-this' });
    await harness.starters.startTrainingRun(run);
    await harness.starters.cancelRun(run, 'tester');
    expect(await harness.ended(run.id)).toMatchObject({ phase: 'cancelled' });
  });

  it('runs in segments and continues as new', async () => {
    const run = await harness.createRun({ seed: 9, max_steps: 200, segment_max_s: 1 });
    await harness.store.runs.markStarted(run.id);
    await harness.client.workflow.start(workflowTypes.trainingRun, {
      workflowId: run.workflow_id,
      taskQueue: orchestratorQueue,
      args: [{ run_id: run.id, segments_per_chain: 2 }],
    });
    const finished = await harness.ended(run.id);
    expect(finished).toMatchObject({ phase: 'finished', certified_step: 200 });
    const embedding = await harness.store.embeddings.get(finished.embedding_id ?? '');
    expect((await harness.store.blobs.get(embedding.hash)).toString()).toBe(fakeEmbedding(9, 200));
    expect(await harness.client.workflow.getHandle(run.workflow_id).query('status')).toMatchObject({
      phase: 'finished',
    });
  });

  it('fails at once on bad input, and after its restarts on crashes', async () => {
    harness.workers[0]?.failNext('run.diverged');
    const bad = await harness.createRun();
    await harness.starters.startTrainingRun(bad);
    expect(await harness.ended(bad.id)).toMatchObject({
      phase: 'failed',
      failure: { code: 'run.diverged' },
      restarts: {},
    });
    harness.workers[0]?.failNext('internal', 3);
    const crashing = await harness.createRun({ max_restarts: 2 });
    await harness.starters.startTrainingRun(crashing);
    expect(await harness.ended(crashing.id)).toMatchObject({
      phase: 'failed',
      failure: { code: 'run.too_many_restarts' },
      restarts: { crash: 3 },
    });
  });

  it('answers questions about words and files', async () => {
    const words = [
      { placeholder_token: 'sapsan', initializer_token: 'bird' },
      { placeholder_token: 'train', initializer_token: 'bird' },
    ];
    const beginMs = Date.now();
    expect(await harness.starters.checkTokens({ model: 'fake', words })).toMatchObject([
      { index: 1, code: 'placeholder.known_word' },
    ]);
    console.log('words checked in', Date.now() - beginMs, 'ms');
    const { hash } = await harness.store.blobs.put(Buffer.from('rows'), 'application/octet-stream');
    const converted = await harness.starters.convertEmbedding({
      fileHash: hash,
      model: 'fake',
      toFormat: 'bin',
    });
    expect(converted).toMatchObject({ hash, placeholder_token: 'sapsan' });
  });
});
