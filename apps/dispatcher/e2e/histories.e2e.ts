import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { generationRequestSchema, parse, sweepFileSchema, expandTrials } from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import { pause, root, startHarness } from './harness.js';

/**
 * Records what libs/workflows replays: `npm run histories` in this package. An old history is never edited; one of a
 * changed workflow is recorded anew only together with a patch, with the reason in the commit.
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
      // Who ran it is nobody's business.
      await writeFile(
        join(folder, `${name}.json`),
        harness.showHistory(workflowId).replaceAll(`@${hostname()}"`, '@host"').replaceAll(root, ''),
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
    for (const name of ['sweep-finished', 'sweep-cancelled']) {
      const trials = expandTrials(file).map(({ dataset, ...trial }) => ({ ...trial, dataset_id: dataset }));
      const sweep = await harness.store.sweeps.create({ owner: 'tester', spec: file, trials });
      await harness.starters.startSweep(sweep);
      if (name === 'sweep-cancelled') await harness.starters.cancelSweep(sweep, 'tester');
      await record(name, sweep.workflow_id);
    }

    const request = parse(
      generationRequestSchema,
      { task: 'text2img', model: 'fake', prompt: 'a sapsan', count: 1 },
      'generation',
    );
    const generation = await harness.store.generations.create({ owner: 'tester', request });
    await harness.starters.startGeneration(generation);
    await record('generation-finished', `generation/${generation.id}`);
    await harness.stop();
    expect(folder).toBeDefined();
  });
});
