import { MurnauError } from '@murnau/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Recordable } from './batches.js';
import { takeBatch } from './batches.js';
import { Recorder } from './recorder.js';

const metric = (step: number): Recordable => ({ kind: 'metrics', step, values: { train_loss: 1 } });
const checkpoint = (step: number): Recordable => ({
  kind: 'checkpoint',
  step,
  state: new Uint8Array(),
  embedding: new Uint8Array(),
});
const started = (step: number): Recordable => ({
  kind: 'started',
  step,
  numeric_fingerprint: 'avx2',
  model_fingerprint: 'a',
  loading_s: 0,
});
const events = fc
  .array(fc.constantFrom(started, checkpoint, metric, metric))
  .map((kinds) => kinds.map((make, step) => make(step)));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('takeBatch', () => {
  it('loses, doubles and reorders nothing, ends a batch with its checkpoint and keeps a start alone', () => {
    fc.assert(
      fc.property(events, (all) => {
        const waiting = [...all];
        const batches: Recordable[][] = [];
        while (waiting.length > 0) batches.push(takeBatch(waiting));
        expect(batches.flat()).toEqual(all);
        for (const batch of batches) {
          expect(batch.slice(0, -1).every(({ kind }) => kind !== 'checkpoint')).toBe(true);
          expect(batch.length === 1 || batch.every(({ kind }) => kind !== 'started')).toBe(true);
        }
      }),
    );
  });
});

describe('Recorder', () => {
  it('stores everything in order, one batch at a time, and reports each checkpoint after it is stored', async () => {
    await fc.assert(
      fc.asyncProperty(events, fc.array(fc.nat(3)), async (all, delays) => {
        const stored: Recordable[] = [];
        const reported: number[] = [];
        let atWork = 0;
        const recorder = new Recorder({
          store: async (batch) => {
            atWork += 1;
            expect(atWork).toBe(1);
            await pause(delays[stored.length % Math.max(1, delays.length)] ?? 0);
            stored.push(...batch);
            atWork -= 1;
            return batch.find(({ kind }) => kind === 'checkpoint')?.step;
          },
          onStored: (step) => {
            expect(stored.some((event) => event.kind === 'checkpoint' && event.step === step)).toBe(true);
            reported.push(step);
          },
          onFailed: () => undefined,
          maxWaitMs: 2,
        });
        for (const event of all) {
          recorder.add(event);
          if (event.step % 3 === 0) await pause(0);
        }
        await recorder.drain();
        expect(stored).toEqual(all);
        expect(reported).toEqual(all.flatMap((event) => (event.kind === 'checkpoint' ? [event.step] : [])));
      }),
      { numRuns: 40 },
    );
  });

  it('stores metrics without a checkpoint after a moment', async () => {
    const stored: Recordable[] = [];
    const recorder = new Recorder({
      store: (batch) => Promise.resolve(void stored.push(...batch)),
      onStored: () => undefined,
      onFailed: () => undefined,
      maxWaitMs: 10,
    });
    recorder.add(metric(1));
    await pause(50);
    expect(stored).toEqual([metric(1)]);
    await recorder.stop();
  });

  it('stops at the first failure, and says so once', async () => {
    const failures: unknown[] = [];
    let calls = 0;
    const recorder = new Recorder({
      store: () => {
        calls += 1;
        return Promise.reject(new MurnauError('claim.fenced', 'another has it'));
      },
      onStored: () => undefined,
      onFailed: (error) => failures.push(error),
    });
    recorder.add(checkpoint(1));
    recorder.add(checkpoint(2));
    await expect(recorder.drain()).rejects.toMatchObject({ code: 'claim.fenced' });
    expect(calls).toBe(1);
    expect(failures).toHaveLength(1);
  });

  it('takes what comes while the store stands still, and fails where that is too much', async () => {
    const failures: unknown[] = [];
    let answer: (step: number) => void = () => undefined;
    const recorder = new Recorder({
      store: () => new Promise((resolve) => (answer = resolve)),
      onStored: () => undefined,
      onFailed: (error) => failures.push(error),
      largestBacklog: 8 * 1_024,
    });
    recorder.add(started(0));
    await pause(0);
    for (let step = 1; step <= 7; step += 1) recorder.add(metric(step));
    expect(failures).toEqual([]);
    recorder.add(metric(8));
    recorder.add(metric(9));
    expect(failures).toMatchObject([{ code: 'storage.unavailable' }]);
    answer(0);
    await expect(recorder.drain()).rejects.toMatchObject({ code: 'storage.unavailable' });
  });

  it('counts what was stored no more', async () => {
    const failures: unknown[] = [];
    const recorder = new Recorder({
      store: () => Promise.resolve(undefined),
      onStored: () => undefined,
      onFailed: (error) => failures.push(error),
      largestBacklog: 4 * 1_024,
    });
    for (let step = 1; step <= 40; step += 1) {
      recorder.add(checkpoint(step));
      await pause(0);
    }
    await recorder.drain();
    expect(failures).toEqual([]);
  });

  it('waits for a full disk', async () => {
    let calls = 0;
    const recorder = new Recorder({
      store: () => {
        calls += 1;
        return calls === 1 ? Promise.reject(new MurnauError('storage.full', 'full')) : Promise.resolve(1);
      },
      onStored: () => undefined,
      onFailed: () => undefined,
    });
    recorder.add(checkpoint(1));
    await recorder.drain();
    expect(calls).toBe(2);
  });
});
