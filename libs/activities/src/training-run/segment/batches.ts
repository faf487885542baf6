import type { TrainEvent } from '@murnau/gpu-client';

/** What is stored: everything a worker says but that it is alive, has begun and is done. */
export type Recordable = Extract<
  TrainEvent,
  { kind: 'metrics' | 'sample' | 'judgement' | 'checkpoint' | 'log' }
>;

/**
 * Takes the next batch off the front: up to and with the first checkpoint, or everything while none has come.
 * A batch has one checkpoint at most, its last event: so each stored checkpoint certifies what came before it.
 */
export function takeBatch(waiting: Recordable[]): Recordable[] {
  const checkpoint = waiting.findIndex(({ kind }) => kind === 'checkpoint');
  return waiting.splice(0, checkpoint === -1 ? waiting.length : checkpoint + 1);
}
