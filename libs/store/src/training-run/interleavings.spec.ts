import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSample, openTestStore, type TestStore } from '../test-store.js';
import type { Claim } from './claim-run.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const MAX_STEP = 12;
const CHECKPOINT_EVERY = 3;

/** Stands for a dispatcher with its worker: computes steps that depend on the step alone, as exclusive packing does. */
class Writer {
  step: number;

  constructor(
    readonly claim: Claim,
    readonly blobs: { state: string; picture: string },
  ) {
    this.step = claim.resume?.step ?? -1;
  }

  /** The next `count` steps in one write, ending early at a checkpoint, since that is acknowledged first. */
  async write(count: number): Promise<void> {
    const from = this.step + 1;
    const boundary = Math.ceil(Math.max(from, 1) / CHECKPOINT_EVERY) * CHECKPOINT_EVERY;
    const to = Math.min(this.step + count, boundary, MAX_STEP);
    if (to < from) return;
    const steps = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    const { state, picture } = this.blobs;
    await test.store.runs.recordProgress(this.claim.run_id, this.claim.epoch, {
      metrics: steps.flatMap((step) => [
        { step, name: 'train_loss', value: 1 / (1 + step) },
        // Tells who computed the step: what an earlier writer left uncertified must not be certified by a later one.
        { step, name: 'norm_t1', value: this.claim.epoch },
      ]),
      samples: steps.map((step) => newSample(step, picture)),
      events: steps.map((step) => ({ kind: 'log', step, data: {} })),
      ...(to === boundary && { checkpoint: { step: to, state_hash: state, embedding_hash: state } }),
    });
    this.step = to;
  }
}

type Action =
  | { kind: 'claim'; chain: number; segment: number; attempt: number }
  /** Writer number `writer`, counted from the newest: 0 holds the run, the others are zombies. */
  | { kind: 'write'; writer: number; steps: number }
  | { kind: 'pause' }
  | { kind: 'together'; writer: number; steps: number; chain: number; segment: number; attempt: number };

const order = { chain: fc.nat(2), segment: fc.nat(3), attempt: fc.nat(3) };
const write = {
  writer: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(3)),
  steps: fc.integer({ min: 1, max: 4 }),
};
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('claim' as const), ...order }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), ...write }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pause' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('together' as const), ...write, ...order }) },
);

const isRefusal = (error: unknown) =>
  ['claim.stale', 'claim.fenced'].includes((error as { code?: string }).code ?? '');

/** True: done; false: refused as it should be. Anything else is a failure of the test. */
async function attempt(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

class Scene {
  writers: Writer[] = [];
  /** Epoch of the newest claim or pause that was granted. */
  epoch = 0;
  /** Epoch of the writer that certified each step. */
  certifiedBy: number[] = [];

  constructor(
    readonly runId: string,
    readonly blobs: { state: string; picture: string },
  ) {}

  async claim(at: { chain: number; segment: number; attempt: number }): Promise<void> {
    await attempt(async () => {
      const claim = await test.store.runs.claim(this.runId, at, 'worker');
      expect(claim.epoch).toBeGreaterThan(this.epoch);
      this.epoch = claim.epoch;
      this.writers.unshift(new Writer(claim, this.blobs));
    });
  }

  async write(number: number, steps: number): Promise<void> {
    const writer = this.writers[number];
    if (writer === undefined) return;
    const before = this.epoch;
    const isDone = await attempt(() => writer.write(steps));
    if (isDone && writer.step % CHECKPOINT_EVERY === 0 && writer.step > 0) {
      while (this.certifiedBy.length <= writer.step) this.certifiedBy.push(writer.claim.epoch);
    }
    if (isDone && writer.step < MAX_STEP) expect(writer.claim.epoch).toBeGreaterThanOrEqual(before);
  }

  async act(next: Action): Promise<void> {
    if (next.kind === 'claim') await this.claim(next);
    else if (next.kind === 'write') await this.write(next.writer, next.steps);
    else if (next.kind === 'together')
      await Promise.all([this.claim(next), this.write(next.writer, next.steps)]);
    else {
      await test.store.runs.setPhase(this.runId, 'paused');
      this.epoch = (await test.store.runs.details(this.runId)).epoch;
    }
  }

  /** What is stored up to the newest checkpoint is each step once; logs tell what was stored in all. */
  async check(): Promise<void> {
    const [found] = await test.query<Found>(
      `select r.step, r.certified_step,
         (select max(step) from checkpoints c where c.run_id = r.id) as checkpoint,
         (select json_agg(json_build_array(step, name, value) order by step, name) from metrics m
          where m.run_id = r.id and step <= certified_step) as metrics,
         (select json_agg(step order by step) from samples s where s.run_id = r.id and step <= certified_step) as samples,
         (select json_agg(e.step order by e.step) from events e where e.run_id = r.id and kind = 'log') as logs
       from runs r where id = $1`,
      [this.runId],
    );
    const { step, certified_step: certified, checkpoint, metrics, samples, logs } = found!;
    expect(metrics ?? []).toEqual(
      steps(certified).flatMap((at) => [
        [at, 'norm_t1', this.certifiedBy[at]],
        [at, 'train_loss', 1 / (1 + at)],
      ]),
    );
    expect(samples ?? []).toEqual(steps(certified));
    expect(checkpoint ?? -1).toBe(certified);
    expect(logs ?? []).toEqual(steps(logs === null && step === 0 ? -1 : step));
  }
}

interface Found {
  step: number;
  certified_step: number;
  checkpoint: number | null;
  metrics: [number, string, number][] | null;
  samples: number[] | null;
  logs: number[] | null;
}

const steps = (last: number): number[] => Array.from({ length: last + 1 }, (_, step) => step);

describe('any sequence of claims, writes, pauses and zombies', () => {
  it(
    'leaves no metric, sample or event doubled or missing, and lets a last claim finish the run',
    { timeout: 60_000 },
    async () => {
      const blobs = { state: await test.blob('state'), picture: await test.blob('sample') };
      await fc.assert(
        fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 16 }), async (actions) => {
          const scene = new Scene(await test.newRun(), blobs);
          for (const next of actions) {
            await scene.act(next);
            await scene.check();
          }
          await scene.claim({ chain: 9, segment: 0, attempt: 1 });
          for (let writes = 0; writes <= MAX_STEP; writes += 1) await scene.write(0, 4);
          await scene.check();
          expect((await test.store.runs.get(scene.runId)).certified_step).toBe(MAX_STEP);
          await test.store.runs.finish(scene.runId, scene.epoch);
        }),
        { numRuns: 25 },
      );
    },
  );
});
