import type { TrainEvent, TrainSession } from '@murnau/gpu-client';
import type { Claim, Store } from '@murnau/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followSession } from './follow-session.js';
import { SegmentHeartbeat } from './segment-heartbeat.js';

const started: TrainEvent = {
  kind: 'started',
  step: 0,
  numeric_fingerprint: 'avx2',
  model_fingerprint: 'a',
  loading_s: 0,
};
const alive: TrainEvent = {
  kind: 'alive',
  step: 0,
  progress_age_s: 0,
  phase: 'training',
  steps_per_second: 1,
};
const metric = (step: number): TrainEvent => ({ kind: 'metrics', step, values: { train_loss: 1 } });
const bytes = new Uint8Array([1]);
const checkpoint: TrainEvent = { kind: 'checkpoint', step: 2, state: bytes, embedding: bytes };
const finished: TrainEvent = { kind: 'finished', step: 2, reason: 'until_step' };
const events = [started, alive, metric(1), alive, metric(2), checkpoint, alive, finished];

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A store that answers nothing before it is told to, and what was written to it. */
function heldStore(): { store: Pick<Store, 'blobs' | 'runs'>; written: string[]; release: () => void } {
  const written: string[] = [];
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const runs = {
    recordStarted: async () => {
      await released;
      written.push('started');
    },
    recordProgress: async (_: string, __: number, progress: { metrics: readonly unknown[] }) => {
      await released;
      written.push(`progress of ${progress.metrics.length}`);
    },
  };
  const blobs = { putMany: async (all: readonly unknown[]) => all.map((_, place) => ({ hash: `${place}` })) };
  return { store: { blobs, runs } as unknown as Pick<Store, 'blobs' | 'runs'>, written, release };
}

/** A worker's stream, which notes what was taken of it and acknowledged. */
function sessionOf(taken: TrainEvent[], acknowledged: number[]): TrainSession {
  return {
    acknowledge: (step) => acknowledged.push(step),
    async *[Symbol.asyncIterator]() {
      for (const event of events) {
        await pause(0);
        taken.push(event);
        yield event;
      }
    },
  };
}

describe('followSession', () => {
  let beats: string[];
  let heartbeat: SegmentHeartbeat;
  beforeEach(() => {
    beats = [];
    heartbeat = new SegmentHeartbeat({
      worker: 'w',
      heartbeat: ({ phase }) => beats.push(phase),
      intervalMs: 5,
      silenceMs: 50,
    });
  });
  afterEach(() => heartbeat.stop());

  it('takes everything at once while the store stands still, stores it in order, and heartbeats until it is', async () => {
    const { store, written, release } = heldStore();
    const taken: TrainEvent[] = [];
    const acknowledged: number[] = [];
    const following = followSession({
      store,
      claim: { run_id: 'r', epoch: 1, acknowledged_step: 0 } as Claim,
      heartbeat,
      untilStep: 2,
      segmentMaxMs: 60_000,
      stuckAfterS: 300,
      sharers: () => 1,
      open: () => sessionOf(taken, acknowledged),
      signal: new AbortController().signal,
    });
    while (taken.length < events.length) await pause(1);
    expect(written).toEqual([]);
    // Longer than a silent worker would be spoken for.
    await pause(60);
    const before = beats.length;
    while (beats.length === before) await pause(1);
    expect(beats.at(-1)).toBe('storing');
    release();
    expect(await following).toEqual({ step: 2, end: 'until_step' });
    expect(written).toEqual(['started', 'progress of 2']);
    expect(acknowledged).toEqual([2]);
  });
});
