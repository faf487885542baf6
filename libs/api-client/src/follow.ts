import { setTimeout as sleep } from 'node:timers/promises';
import { eventSchema, generationSchema, MurnauError, runSchema, sweepSchema } from '@murnau/domain';
import type { Generation, Run, StoredEvent, Sweep } from '@murnau/domain';
import { asAnswer } from './as-answer.js';
import { networkError } from './errors.js';
import { readEventStream } from './server-sent-events.js';
import type { ServerSentEvent } from './server-sent-events.js';
import type { Transport } from './transport.js';
import { retryDelayMs } from './transport.js';

/** What a live stream tells: stored events (each once, in order) and states (the newest wins). */
export type LiveMessage =
  | { readonly kind: 'event'; readonly event: StoredEvent }
  | { readonly kind: 'run'; readonly run: Run }
  | { readonly kind: 'sweep'; readonly sweep: Sweep }
  | { readonly kind: 'generation'; readonly generation: Generation }
  | { readonly kind: 'end'; readonly phase: string };

export interface FollowOptions {
  /** Only stored events after this one; absent: from the first. */
  readonly lastEventId?: string | undefined;
  /** Only the state, and what comes: not what has happened before. */
  readonly fromNow?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** A stream silent for so long is opened again; the server writes each 5 s. Default 15 000 ms. */
  readonly silenceMs?: number;
}

/** Frames of a kind that this client does not know are passed over. */
function messageOf({ event, data }: ServerSentEvent): LiveMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return undefined;
  }
  switch (event) {
    case 'event': {
      const { success, data: stored } = asAnswer(eventSchema).safeParse(value);
      return success ? { kind: 'event', event: stored } : undefined;
    }
    case 'run': {
      const { success, data: run } = asAnswer(runSchema).safeParse(value);
      return success ? { kind: 'run', run } : undefined;
    }
    case 'sweep': {
      const { success, data: sweep } = asAnswer(sweepSchema).safeParse(value);
      return success ? { kind: 'sweep', sweep } : undefined;
    }
    case 'generation': {
      const { success, data: generation } = asAnswer(generationSchema).safeParse(value);
      return success ? { kind: 'generation', generation } : undefined;
    }
    case 'end': {
      const phase = (value as { phase?: unknown } | null)?.phase;
      return { kind: 'end', phase: typeof phase === 'string' ? phase : 'finished' };
    }
    default:
      return undefined;
  }
}

/**
 * Follows a live stream across reconnections (`Last-Event-ID`) until its `end` or the signal's abort.
 * @throws MurnauError `server.unreachable` when the server has been away for longer than the transport's patience.
 */
export async function* follow(
  transport: Transport,
  path: string,
  options: FollowOptions = {},
): AsyncGenerator<LiveMessage> {
  const { signal, silenceMs = 15_000, fromNow = false } = options;
  const isAborted = (): boolean => signal?.aborted === true;
  let { lastEventId } = options;
  let lastHeardMs = Date.now();
  while (!isAborted()) {
    const connection = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const onActivity = (): void => {
      lastHeardMs = Date.now();
      clearTimeout(timer);
      timer = setTimeout(() => connection.abort(), silenceMs);
      timer.unref();
    };
    try {
      const headers: Record<string, string> = { accept: 'text/event-stream' };
      if (lastEventId !== undefined) headers['last-event-id'] = lastEventId;
      const response = await transport.send({
        path,
        query: { after: fromNow ? 'now' : undefined },
        headers,
        repeatable: false,
        signal: signal === undefined ? connection.signal : AbortSignal.any([signal, connection.signal]),
      });
      if (response.body === null) return;
      onActivity();
      for await (const frame of readEventStream(response.body, onActivity)) {
        if (frame.event === 'event' && frame.id !== '') lastEventId = frame.id;
        const message = messageOf(frame);
        if (message !== undefined) yield message;
        if (message?.kind === 'end') return;
      }
      await sleep(retryDelayMs, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      if (isAborted()) return;
      const isSilence = connection.signal.aborted;
      const known =
        error instanceof MurnauError && !isSilence ? error : networkError(transport.server, error);
      await transport.waitBefore(known, lastHeardMs, signal).catch((reason: unknown) => {
        if (!isAborted()) throw reason;
      });
    } finally {
      clearTimeout(timer);
      connection.abort();
    }
  }
}
