import type { TrainEvent } from '@murnau/gpu-client';

/** What is stored: everything a worker says but that it is alive and is done. */
export type Recordable = Extract<
  TrainEvent,
  { kind: 'started' | 'metrics' | 'sample' | 'judgement' | 'checkpoint' | 'log' }
>;

/** Ends a batch: nothing is waited for after it. */
export const endsBatch = ({ kind }: Recordable): boolean => kind === 'started' || kind === 'checkpoint';

/**
 * Takes the next batch off the front: up to and with the first checkpoint, or everything while none has come.
 * A batch has one checkpoint at most, its last event: so each stored checkpoint certifies what came before it. A start
 * is a batch of its own, for it is a transaction of its own.
 */
export function takeBatch(waiting: Recordable[]): Recordable[] {
  const end = waiting.findIndex(endsBatch);
  if (end === -1) return waiting.splice(0);
  return waiting.splice(0, waiting[end]?.kind === 'started' && end > 0 ? end : end + 1);
}

/** What an event weighs while it waits, in bytes: its pictures and states. The rest is small and counts as a kilobyte. */
export function weightOf(event: Recordable): number {
  const small = 1_024;
  if (event.kind === 'sample') return small + event.png.byteLength;
  if (event.kind === 'checkpoint') return small + event.state.byteLength + event.embedding.byteLength;
  return small;
}
