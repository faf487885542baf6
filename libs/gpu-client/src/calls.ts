import { MurnauError } from '@murnau/domain';
import type { CallOptions, Metadata } from 'nice-grpc-common';
import { toCallError } from './errors.js';
import { workerPeer } from './peer.js';
import type { CallControl } from './types.js';

/** Runs a call that answers once, with a deadline, and translates what it throws. */
export async function callOnce<Response>(
  what: string,
  timeoutMs: number,
  control: CallControl | undefined,
  call: (options: CallOptions) => Promise<Response>,
  peer = workerPeer,
): Promise<Response> {
  let trailer: Metadata | undefined;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = control?.signal === undefined ? deadline : AbortSignal.any([deadline, control.signal]);
  try {
    return await call({ signal, onTrailer: (metadata) => (trailer = metadata) });
  } catch (error) {
    if (deadline.aborted && control?.signal?.aborted !== true) {
      throw new MurnauError(
        peer.unavailable,
        `The ${peer.name} did not answer ${what} within ${timeoutMs} ms.`,
        {
          cause: error,
        },
      );
    }
    throw toCallError(error, trailer, false, peer);
  }
}

/**
 * Iterates a stream of answers; a silence of more than `silenceMs` ends it with `worker.lost`.
 * Only the time spent waiting counts: a slow reader is not the worker's silence.
 */
export async function* readStream<Response>(
  silenceMs: number,
  control: CallControl | undefined,
  call: (options: CallOptions) => AsyncIterable<Response>,
): AsyncGenerator<Response, void, undefined> {
  let trailer: Metadata | undefined;
  let isSilent = false;
  const stop = new AbortController();
  const signal = control?.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, control.signal]);
  const responses = call({ signal, onTrailer: (metadata) => (trailer = metadata) })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(() => {
        isSilent = true;
        stop.abort();
      }, silenceMs);
      let result: IteratorResult<Response>;
      try {
        result = await responses.next();
      } finally {
        clearTimeout(timer);
      }
      if (result.done === true) return;
      yield result.value;
    }
  } catch (error) {
    if (isSilent) {
      throw new MurnauError('worker.lost', `The worker was silent for ${silenceMs} ms.`, { cause: error });
    }
    throw toCallError(error, trailer, true);
  } finally {
    stop.abort();
    // The stream's own clean-up reports the abort that was just asked for.
    await responses.return?.().catch(() => undefined);
  }
}
