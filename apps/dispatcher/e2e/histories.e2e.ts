import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { orchestratorQueue, workflowTypes } from '@murnau/contracts';
import { expandTrials, generationRequestSchema, parse, sweepFileSchema } from '@murnau/domain';
import type { Generation, Sweep, SweepEdit } from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import { pause, root, startHarness } from './harness.js';
import { storeSweep, until } from './sweeps-under-test.js';

/**
 * Records what libs/workflows replays and does not have yet: `npm run histories` in this package. What is there is left
 * as it is: a workflow that has changed gets a history of another name ("-2"), and goes on replaying the former one.
 */
const isRecording = process.env['RECORD_HISTORIES'] === '1';

describe.runIf(isRecording)('histories', () => {
  it('are recorded', async () => {
    const harness = await startHarness({ stepMs: 10, slots: 3 });
    const folder = join(root, 'libs/workflows/histories');
    await mkdir(folder, { recursive: true });
    const record = async (name: string, workflowId: string): Promise<void> => {
      await harness.client.workflow
        .getHandle(workflowId)
        .result()
        .catch(() => undefined);
      const file = join(folder, `${name}.json`);
      if (existsSync(file)) return;
      // Who ran it is nobody's business.
      await writeFile(
        file,
        harness.showHistory(workflowId).replaceAll(`@${hostname()}`, '@host').replaceAll(root, ''),
      );
    };

    const finished = await harness.createRun({ segment_max_s: 1 });
    await harness.starters.startTrainingRun(finished);
    await record('training-run-finished', finished.workflow_id);

    const cancelled = await harness.createRun({ max_steps: 5_000 });
    await harness.starters.startTrainingRun(cancelled);
    while ((await harness.store.runs.get(cancelled.id)).certified_step < 20) await pause(50);
    await harness.starters.cancelRun(cancelled, 'tester');
    await record('training-run-cancelled', cancelled.workflow_id);

    harness.workers[0]?.failNext('run.diverged');
    const failed = await harness.createRun();
    await harness.starters.startTrainingRun(failed);
    await record('training-run-failed', failed.workflow_id);

    const file = parse(
      sweepFileSchema,
      {
        name: 'pairs',
        model: 'fake',
        dataset: harness.datasetId,
        parameters: {
          pair: { values: [{ placeholder: 'sapsan', initializer: 'train' }] },
          seed: { values: [1, 2, 3] },
          max_steps: { value: 20 },
        },
        max_concurrent_trials: 2,
      },
      'sweep file',
    );
    const createSweep = (): Promise<Sweep> => {
      const trials = expandTrials(file).map(({ dataset, ...trial }) => ({ ...trial, dataset_id: dataset }));
      return harness.store.sweeps.create({ owner: 'tester', spec: file, trials });
    };
    for (const name of ['sweep-finished', 'sweep-cancelled']) {
      const sweep = await createSweep();
      await harness.starters.startSweep(sweep);
      if (name === 'sweep-cancelled') await harness.starters.cancelSweep(sweep, 'tester');
      await record(name, sweep.workflow_id);
    }

    // Its decision throws something unforeseen.
    const broken = await createSweep();
    await harness.query(`update sweeps set spec = '{}' where id = $1`, [broken.id]);
    await harness.client.workflow.start(workflowTypes.sweep, {
      workflowId: broken.workflow_id,
      taskQueue: orchestratorQueue,
      args: [{ sweep_id: broken.id }],
    });
    await record('sweep-failed', broken.workflow_id);

    // The last of its runs.
    const continued = await createSweep();
    await harness.store.sweeps.markStarted(continued.id);
    await harness.client.workflow.start(workflowTypes.sweep, {
      workflowId: continued.workflow_id,
      taskQueue: orchestratorQueue,
      args: [{ sweep_id: continued.id, decisions_per_chain: 1 }],
    });
    await record('sweep-continued', continued.workflow_id);

    const long = await harness.createRun({ segment_max_s: 1, max_steps: 200 });
    await harness.store.runs.markStarted(long.id);
    await harness.client.workflow.start(workflowTypes.trainingRun, {
      workflowId: long.workflow_id,
      taskQueue: orchestratorQueue,
      args: [{ run_id: long.id, segments_per_chain: 1 }],
    });
    await record('training-run-continued', long.workflow_id);

    const paused = await harness.createRun({ max_steps: 200 });
    await harness.starters.startTrainingRun(paused);
    while ((await harness.store.runs.get(paused.id)).certified_step < 20) await pause(50);
    await harness.starters.editRun(paused, 'pause', { by: 'ann', why: 'lunch' });
    while ((await harness.store.runs.get(paused.id)).phase !== 'paused') await pause(50);
    await harness.starters.editRun(paused, 'resume', { by: 'ann', why: '' });
    await pause(300);
    await harness.starters.editRun(paused, 'stop', { by: 'ann', why: '' });
    await record('training-run-paused-and-stopped', paused.workflow_id);

    const halving = await storeSweep(harness, {
      seeds: 6,
      steps: 40,
      early_terminate: { type: 'asha', min_steps: 10, eta: 2 },
      finalists: { count: 1, seeds: [7, 8] },
    });
    await harness.starters.startSweep(halving.sweep);
    await record('sweep-halving', halving.sweep.workflow_id);
    const [trial] = await halving.trials();
    await record('training-run-at-a-rung', trial?.workflow_id ?? '');

    const edited = await storeSweep(harness, { seeds: 4, steps: 100 });
    await harness.starters.startSweep(edited.sweep);
    const edit = (change: SweepEdit): Promise<void> =>
      harness.starters.editSweep(edited.sweep, change, { by: 'ann', why: '', updateId: randomUUID() });
    await pause(1_000);
    await edit({ kind: 'pause' });
    await until('a pause', async () => (await edited.count('paused')) === 2);
    await edit({ kind: 'resume' });
    await edit({ kind: 'set_concurrency', max_concurrent_trials: 3 });
    await edit({ kind: 'drop_trial', trial: 0 });
    await edit({ kind: 'stop' });
    await record('sweep-edited', edited.sweep.workflow_id);

    const createGeneration = (count: number): Promise<Generation> => {
      const request = parse(
        generationRequestSchema,
        { task: 'text2img', model: 'fake', prompt: 'a sapsan', count },
        'generation',
      );
      return harness.store.generations.create({ owner: 'tester', request });
    };
    for (const name of ['generation-finished', 'generation-cancelled', 'generation-failed']) {
      if (name === 'generation-failed') harness.workers[0]?.failNext('device.out_of_memory');
      const generation = await createGeneration(name === 'generation-cancelled' ? 64 : 1);
      await harness.starters.startGeneration(generation);
      if (name === 'generation-cancelled') {
        const phase = async () => (await harness.store.generations.get(generation.id)).phase;
        await until('drawing', async () => (await phase()) === 'running');
        await harness.starters.cancelGeneration(generation, 'tester');
      }
      await record(name, `generation/${generation.id}`);
    }
    await harness.stop();
    expect(folder).toBeDefined();
  });
});
