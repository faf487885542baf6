import type { SegmentEnd, SegmentResult } from '@murnau/contracts';
import { MurnauError } from '@murnau/domain';
import type { FinishReason, TrainSession } from '@murnau/gpu-client';
import type { Claim, Store } from '@murnau/store';
import { Recorder } from './recorder.js';
import type { SegmentHeartbeat } from './segment-heartbeat.js';
import { storeBatch } from './store-batch.js';

export interface FollowOptions {
  readonly store: Pick<Store, 'blobs' | 'runs'>;
  readonly claim: Claim;
  readonly heartbeat: SegmentHeartbeat;
  readonly untilStep: number;
  /** After this time the segment ends at its next stored checkpoint, in milliseconds. */
  readonly segmentMaxMs: number;
  /** A device thread without progress for longer is taken for stuck, in seconds. */
  readonly stuckAfterS: number;
  /** Runs on the device now, this one included. */
  readonly sharers: () => number;
  /** Opens the stream; its signal ends it. */
  readonly open: (signal: AbortSignal) => TrainSession;
  /** Ends the segment from outside: the workflow, or the dispatcher going down. */
  readonly signal: AbortSignal;
}

const ends: Record<FinishReason, SegmentEnd> = {
  until_step: 'until_step',
  plateau: 'until_step',
  superseded: 'fenced',
  draining: 'draining',
};

/**
 * Follows a worker through a segment: stores what it sends, acknowledges what is stored, heartbeats while it lives.
 * What comes is taken at once, whatever the store does.
 * Returns only what is stored. @throws the worker's error, or the store's (`claim.fenced` when another has the run)
 */
export async function followSession(options: FollowOptions): Promise<SegmentResult> {
  const { store, claim, heartbeat, untilStep, segmentMaxMs, stuckAfterS } = options;
  const startedMs = Date.now();
  const stop = new AbortController();
  let storedStep = claim.acknowledged_step;
  let end: SegmentEnd | undefined;
  let storeFailure: { readonly error: unknown } | undefined;

  const session = options.open(AbortSignal.any([stop.signal, options.signal]));
  const recorder = new Recorder({
    store: (batch) => storeBatch(store, claim.run_id, claim.epoch, batch, options.sharers()),
    onStored: (step) => {
      storedStep = step;
      session.acknowledge(step);
      heartbeat.stored(step);
      // A step that was certified before is no progress: the segment would begin there again.
      const isNew = step > claim.acknowledged_step;
      if (isNew && step < untilStep && Date.now() - startedMs > segmentMaxMs) {
        end ??= 'time';
        stop.abort();
      }
    },
    onFailed: (error) => {
      storeFailure = { error };
      stop.abort();
    },
  });

  try {
    heartbeat.opened(storedStep);
    for await (const event of session) {
      heartbeat.heard(event);
      if (event.kind === 'finished') end ??= ends[event.reason];
      else if (event.kind === 'alive') {
        if (event.progress_age_s > stuckAfterS) {
          const age = Math.round(event.progress_age_s);
          throw new MurnauError('worker.lost', `The worker's device made no progress for ${age} s.`);
        }
      } else recorder.add(event);
    }
    heartbeat.closed();
    await recorder.drain();
  } catch (error) {
    await recorder.stop();
    if (storeFailure !== undefined) throw storeFailure.error;
    if (options.signal.aborted) return { step: storedStep, end: 'stopped' };
    if (end === 'time') return { step: storedStep, end };
    throw error;
  }
  return { step: storedStep, end: end ?? 'until_step' };
}
