import { MurnauError } from '@murnau/domain';
import type { ClientMiddleware, Metadata } from 'nice-grpc-common';
import { toCallError } from './errors.js';
import type { Peer } from './peer.js';

export interface CallLimits {
  /**
   * Longest wait for the answer, or for a stream's next message, in milliseconds. Only the time spent waiting counts: a
   * slow reader is not the peer's silence.
   */
  readonly timeoutMs?: number;
}

/** Gives each call its deadline, and translates what it throws. */
export function callMiddleware(peer: Peer, defaultTimeoutMs: number): ClientMiddleware<CallLimits> {
  return async function* (call, { timeoutMs = defaultTimeoutMs, signal, ...options }) {
    let trailer: Metadata | undefined;
    const late = new AbortController();
    const responses = call.next(call.request, {
      ...options,
      signal: signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]),
      onTrailer: (metadata) => (trailer = metadata),
    });
    try {
      for (;;) {
        const timer = setTimeout(() => late.abort(), timeoutMs);
        const result = await responses.next().finally(() => clearTimeout(timer));
        if (result.done === true) return result.value;
        yield result.value;
      }
    } catch (error) {
      if (!late.signal.aborted || signal?.aborted === true)
        throw toCallError(error, trailer, call.responseStream, peer);
      const [code, failure] = call.responseStream
        ? ([peer.lost, 'was silent for'] as const)
        : ([peer.unavailable, `did not answer ${call.method.path.split('/').at(-1)} within`] as const);
      throw new MurnauError(code, `The ${peer.name} ${failure} ${timeoutMs} ms.`, { cause: error });
    } finally {
      late.abort();
      // The call's own clean-up reports the abort that was just asked for.
      await responses.return(undefined as never).catch(() => undefined);
    }
  };
}
