import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { orchestratorQueue, workflowMessages, workflowTypes } from '@murnau/contracts';
import { generationRequestSchema, isEnded, parse } from '@murnau/domain';
import type { Generation, Run } from '@murnau/domain';
import { fakeEmbedding } from '@murnau/gpu-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.js';
import { startHarness } from './harness.js';
import type { SweepUnderTest } from './sweeps-under-test.js';
import { storeSweep, until } from './sweeps-under-test.js';

/** Whatever ends a workflow is stored, with its reason, within this time. */
const storedWithinMs = 30_000;

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ stepMs: 20, slots: 4 });
});
afterAll(() => harness.stop());

/** A run, a sweep or a generation at work. */
interface UnderTest {
  readonly workflowId: string;
  row(): Promise<{ phase: string; failure: { code: string; message: string } | null }>;
  /** It has what it should have when nothing disturbed it. */
  expectWhole(): Promise<void>;
  /** What it leaves when it has ended before its time. */
  expectNothingOpen?(): Promise<void>;
}

async function startRun(steps = 200): Promise<UnderTest & { run: Run }> {
  const run = await harness.createRun({ seed: 3, max_steps: steps, samples: { every_steps: 0 } });
  await harness.starters.startTrainingRun(run);
  await until('step 20', async () => (await harness.store.runs.get(run.id)).certified_step >= 20);
  return {
    run,
    workflowId: run.workflow_id,
    row: () => harness.store.runs.get(run.id),
    expectWhole: async () => {
      const { embedding_id, certified_step } = await harness.store.runs.get(run.id);
      expect(certified_step).toBe(steps);
      const { hash } = await harness.store.embeddings.get(embedding_id ?? '');
      expect((await harness.store.blobs.get(hash)).toString()).toBe(fakeEmbedding(3, steps));
    },
  };
}

async function startSweep(): Promise<UnderTest & { under: SweepUnderTest }> {
  const under = await storeSweep(harness, { seeds: 4, steps: 100 });
  await harness.starters.startSweep(under.sweep);
  await until('two at work', async () => (await under.count('running')) === 2);
  return {
    under,
    workflowId: under.sweep.workflow_id,
    row: () => harness.store.sweeps.get(under.sweep.id),
    expectWhole: async () => {
      expect((await under.trials()).map(({ phase }) => phase)).toEqual(Array(4).fill('finished'));
    },
    expectNothingOpen: () =>
      until(
        'the end of all trials',
        async () => (await under.trials()).every(({ phase }) => isEnded(phase)),
        storedWithinMs,
      ),
  };
}

async function createGeneration(count: number): Promise<UnderTest & { generation: Generation }> {
  const request = parse(
    generationRequestSchema,
    { task: 'text2img', model: 'fake', prompt: 'a sapsan', count, num_steps: 50 },
    'generation',
  );
  const generation = await harness.store.generations.create({ owner: 'tester', request });
  const row = () => harness.store.generations.get(generation.id);
  return {
    generation,
    workflowId: `generation/${generation.id}`,
    row,
    expectWhole: async () => expect((await row()).images).toHaveLength(count),
  };
}

async function startGeneration(count = 8): Promise<UnderTest> {
  const created = await createGeneration(count);
  const { generation } = created;
  await harness.starters.startGeneration(generation);
  const images = async () => (await harness.store.generations.get(generation.id)).images;
  await until('a picture', async () => (await images()).length > 0);
  return created;
}

const kinds: [string, () => Promise<UnderTest>][] = [
  ['run', () => startRun()],
  ['sweep', startSweep],
  ['generation', () => startGeneration()],
];

async function endOf({ row }: UnderTest, timeoutMs = storedWithinMs): ReturnType<UnderTest['row']> {
  await until('an end in the store', async () => isEnded((await row()).phase), timeoutMs);
  return row();
}

describe('ended from outside', () => {
  it.each(kinds)('a %s that is terminated says so, with the reason', async (kind, start) => {
    const at = await start();
    await harness.client.workflow.getHandle(at.workflowId).terminate('the cat sat on the keyboard');
    const { phase, failure } = await endOf(at);
    expect({ phase, code: failure?.code }).toEqual({ phase: 'cancelled', code: `${kind}.cancelled` });
    expect(failure?.message).toContain('terminated in Temporal: the cat sat on the keyboard');
    await at.expectNothingOpen?.();
  });

  it.each(kinds)('a %s that is cancelled says so', async (kind, start) => {
    const at = await start();
    await harness.client.workflow.getHandle(at.workflowId).cancel();
    const { phase, failure } = await endOf(at);
    expect({ phase, code: failure?.code }).toEqual({ phase: 'cancelled', code: `${kind}.cancelled` });
    expect(failure?.message).toContain('by Temporal');
    await at.expectNothingOpen?.();
    const handle = harness.client.workflow.getHandle(at.workflowId);
    await until('a closed workflow', async () => (await handle.describe()).status.name !== 'RUNNING');
    expect((await handle.describe()).status.name).toBe('CANCELLED');
  });

  it('a sweep, a run and a generation without an orchestrator are found when it is back', async () => {
    const all = await Promise.all(kinds.map(([, start]) => start()));
    await harness.orchestrator.stop();
    for (const { workflowId } of all)
      await harness.client.workflow.getHandle(workflowId).terminate('at night');
    harness.orchestrator.start();
    for (const at of all) expect((await endOf(at, 60_000)).failure?.message).toContain('at night');
  });
});

describe('reset', () => {
  const reset = (workflowId: string, ...where: string[]): string =>
    harness.temporalCommand('workflow', 'reset', '--workflow-id', workflowId, '--reason', 'test', ...where);

  it.each(kinds)('a %s goes on from its first task to its whole result', async (_, start) => {
    const at = await start();
    reset(at.workflowId, '--type', 'FirstWorkflowTask');
    expect((await endOf(at, 90_000)).phase).toBe('finished');
    await at.expectWhole();
  });

  it.each(kinds)('a %s goes on from a middle task', async (_, start) => {
    const at = await start();
    const { events } = JSON.parse(harness.showHistory(at.workflowId)) as {
      events: { eventId: string; eventType: string }[];
    };
    const completed = events.filter(({ eventType }) => eventType === 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED');
    const middle = completed[Math.floor(completed.length / 2)] ?? completed.at(-1);
    reset(at.workflowId, '--event-id', middle?.eventId ?? '');
    expect((await endOf(at, 90_000)).phase).toBe('finished');
    await at.expectWhole();
  });

  it('a run whose edits are applied again does each of them once', async () => {
    const at = await startRun(150);
    await harness.starters.editRun(at.run, 'pause', { by: 'ann', why: 'lunch' });
    await until('a pause', async () => (await at.row()).phase === 'paused');
    await harness.starters.editRun(at.run, 'resume', { by: 'ann', why: '' });
    reset(at.workflowId, '--type', 'FirstWorkflowTask');
    expect((await endOf(at, 90_000)).phase).toBe('finished');
    const edits = (await harness.store.events.list({ runId: at.run.id })).filter(
      ({ kind }) => kind === 'edited',
    );
    expect(edits.map(({ data }) => data['edit'])).toEqual(['pause', 'resume']);
  });

  it.each(kinds)('a %s that had ended stays as it ended', async (_, start) => {
    const at = await start();
    await harness.client.workflow.getHandle(at.workflowId).cancel();
    const before = await endOf(at);
    const handle = harness.client.workflow.getHandle(at.workflowId);
    await until('a closed workflow', async () => (await handle.describe()).status.name !== 'RUNNING');
    reset(at.workflowId, '--type', 'FirstWorkflowTask');
    await until('it closed again', async () => (await handle.describe()).status.name !== 'RUNNING');
    expect(await at.row()).toMatchObject({ phase: 'cancelled', failure: before.failure });
    await at.expectNothingOpen?.();
  });
});

describe('a sweep whose trial does not end', () => {
  it('cancels it again less and less often, in short histories, until it has', async () => {
    const { sweep, trials } = await storeSweep(harness, { seeds: 1 });
    const [trial] = await trials();
    // Nobody works on it: it is asked to end, and does not.
    const stuck = await harness.client.workflow.start('stuck', {
      workflowId: trial?.workflow_id ?? '',
      taskQueue: 'nobody',
    });
    await harness.query(`update runs set workflow_started = true, phase = 'running' where id = $1`, [
      trial?.run_id,
    ]);
    await harness.store.sweeps.markStarted(sweep.id);
    const first = await harness.client.workflow.start(workflowTypes.sweep, {
      workflowId: sweep.workflow_id,
      taskQueue: orchestratorQueue,
      args: [{ sweep_id: sweep.id, decisions_per_chain: 3 }],
    });
    await harness.starters.cancelSweep(sweep, 'tester');
    const newest = harness.client.workflow.getHandle(sweep.workflow_id);
    await until('another history', async () => (await newest.describe()).runId !== first.firstExecutionRunId);
    const history = await harness.client.workflow
      .getHandle(sweep.workflow_id, first.firstExecutionRunId)
      .fetchHistory();
    const events = history.events ?? [];
    const waits = events.flatMap(({ timerStartedEventAttributes: timer, userMetadata }) =>
      timer?.startToFireTimeout != null && userMetadata?.summary != null
        ? [Number(timer.startToFireTimeout.seconds) * 1_000 + (timer.startToFireTimeout.nanos ?? 0) / 1e6]
        : [],
    );
    expect(waits.slice(-4)).toEqual([500, 500, 500, 1_000]);
    expect(events.length).toBeLessThan(60);
    expect((await newest.describe()).status.name).toBe('RUNNING');
    await stuck.terminate();
    await until('a closed workflow', async () => (await newest.describe()).status.name === 'COMPLETED');
    expect((await harness.store.sweeps.get(sweep.id)).phase).toBe('cancelled');
  });
});

describe('what cannot succeed', () => {
  it('a run whose decision throws something unforeseen fails with it', async () => {
    const at = await startRun();
    await harness.query(`update runs set spec = '{}' where id = $1`, [at.run.id]);
    await harness.client.workflow.getHandle(at.workflowId).signal(workflowMessages.decideAgain);
    const { phase, failure } = await endOf(at);
    expect({ phase, code: failure?.code }).toEqual({ phase: 'failed', code: 'internal' });
    expect(failure?.message).not.toBe('');
  });

  it('a sweep whose decision throws something unforeseen fails with it, and ends its trials', async () => {
    const at = await startSweep();
    await harness.query(`update sweeps set spec = '{}' where id = $1`, [at.under.sweep.id]);
    await harness.client.workflow.getHandle(at.workflowId).signal(workflowMessages.decideAgain);
    const { phase, failure } = await endOf(at);
    expect({ phase, code: failure?.code }).toEqual({ phase: 'failed', code: 'internal' });
    await at.expectNothingOpen?.();
  });

  it('a generation whose drawing fails for an unknown reason is tried five times', async () => {
    harness.workers[0]?.failNext('internal', 5);
    const at = await createGeneration(1);
    await harness.starters.startGeneration(at.generation);
    const { phase, failure } = await endOf(at);
    expect({ phase, code: failure?.code }).toEqual({ phase: 'failed', code: 'internal' });
    harness.workers[0]?.failNext('internal', 4);
    const again = await createGeneration(1);
    await harness.starters.startGeneration(again.generation);
    expect((await endOf(again)).phase).toBe('finished');
  });

  it('a row that cannot be started fails with the reason, and holds up no other', async () => {
    const [broken, whole] = await Promise.all([
      harness.createRun({ seed: 1 }),
      harness.createRun({ seed: 2 }),
    ]);
    await harness.query(
      `update runs set parameters = 'null', created_at = now() - interval '1 hour' where id = $1`,
      [broken.id],
    );
    expect(await harness.ended(whole.id)).toMatchObject({ phase: 'finished' });
    const ended = await harness.ended(broken.id, storedWithinMs);
    expect(ended).toMatchObject({ phase: 'failed', failure: { code: 'internal' } });
    expect(ended.failure?.message).toContain('cannot be started');
  });
});

describe('a gate', () => {
  it('is passed once when a person picks and its timer fires at the same moment', async () => {
    const under = await storeSweep(harness, {
      seeds: 4,
      steps: 40,
      early_terminate: { type: 'asha', min_steps: 10, eta: 2 },
      gate: { after_rung: 1, wait: '7d' },
    });
    await harness.starters.startSweep(under.sweep);
    await until('the gate', async () => (await harness.store.sweeps.get(under.sweep.id)).gate !== null);
    await harness.query(
      `update sweeps set gate = gate || jsonb_build_object('deadline', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) where id = $1`,
      [under.sweep.id],
    );
    const pick = under.edit({ kind: 'pick_winners', trials: [0] }, 'mine').catch((error: unknown) => error);
    const handle = harness.client.workflow.getHandle(under.sweep.workflow_id);
    await Promise.all([pick, handle.signal(workflowMessages.decideAgain)]);
    const refused = await pick;
    expect(await under.ended()).toMatchObject({ phase: 'finished', gate: { is_passed: true } });
    const promotions = await under.decisions('promote');
    const picks = await under.decisions('pick_winners');
    // Either the person was first, or the timer was and the person is told so.
    if (refused === undefined) expect(picks).toHaveLength(1);
    else expect(refused).toMatchObject({ code: 'edit.not_possible' });
    expect(promotions.length).toBeGreaterThan(0);
    expect(new Set(promotions).size).toBe(promotions.length);
  });
});

describe("Temporal's data gone", () => {
  it('a run, a sweep and a generation go on in new workflows', async () => {
    const [run, sweep, generation] = [await startRun(300), await startSweep(), await startGeneration(16)];
    await harness.temporal.stop();
    for (const suffix of ['', '-wal', '-shm']) {
      await rm(join(harness.folder, `temporal.db${suffix}`), { force: true });
    }
    harness.temporal.start();
    await harness.waitForTemporal();
    for (const at of [run, sweep, generation]) {
      expect((await endOf(at, 90_000)).phase).toBe('finished');
      await at.expectWhole();
    }
  });
});
