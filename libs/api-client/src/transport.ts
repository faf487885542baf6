import { setTimeout as sleep } from 'node:timers/promises';
import { MurnauError, parseAnswer } from '@murnau/domain';
import type { ErrorCode } from '@murnau/domain';
import type { z } from 'zod';
import { asAnswer } from './as-answer.js';
import { networkError, problemError } from './errors.js';

export interface TransportOptions {
  /** Address of the server, e.g. `http://127.0.0.1:7800` or `https://host/murnau`: paths of calls follow its own. */
  readonly server: string;
  readonly token?: string | undefined;
  /** How long a call that may be repeated waits for a server that has answered before. Default 30 000 ms. */
  readonly patienceMs?: number;
  /** The same for a server that has not answered yet. Default 0: it is probably not running. */
  readonly firstPatienceMs?: number;
  /** Longest time until the headers of an answer. Default 60 000 ms. */
  readonly timeoutMs?: number;
  /** Called once per outage, when the first repetition is about to wait. */
  readonly onWaiting?: (error: MurnauError) => void;
  readonly fetch?: typeof fetch;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Call {
  readonly method?: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Query | undefined;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly bytes?: Uint8Array | undefined;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes a creation safe to repeat. */
  readonly idempotencyKey?: string;
  /** Whether the call may be repeated; GET, HEAD, PUT, DELETE and calls with an idempotency key always may. */
  readonly repeatable?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Transport {
  readonly server: string;
  /** A successful answer, its body unread. */
  readonly send: (call: Call) => Promise<Response>;
  readonly json: <Schema extends z.ZodType>(schema: Schema, call: Call) => Promise<z.output<Schema>>;
  /** Waits before a repetition; throws the error when patience has ended. */
  readonly waitBefore: (error: MurnauError, sinceMs: number, signal?: AbortSignal) => Promise<void>;
}

/** Flat: a restarting server is back within a second or two. */
export const retryDelayMs = 500;
const repeatableCodes: readonly ErrorCode[] = ['server.unreachable', 'server.busy', 'storage.unavailable'];

function urlOf(server: string, path: string, query: Query | undefined): string {
  const url = new URL(server.replace(/\/+$/, '') + path);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url.href;
}

function headersOf(call: Call, token: string | undefined): Record<string, string> {
  const headers: Record<string, string> = { accept: 'application/json, */*;q=0.5', ...call.headers };
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  if (call.json !== undefined) headers['content-type'] = 'application/json';
  if (call.bytes !== undefined) headers['content-type'] = call.contentType ?? 'application/octet-stream';
  if (call.idempotencyKey !== undefined) headers['idempotency-key'] = call.idempotencyKey;
  return headers;
}

export function createTransport(options: TransportOptions): Transport {
  const { server, token, patienceMs = 30_000, firstPatienceMs = 0, timeoutMs = 60_000, onWaiting } = options;
  const fetchFunction = options.fetch ?? fetch;
  let hasAnswered = false;
  let isWaiting = false;

  const once = async (call: Call): Promise<Response> => {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), timeoutMs);
    const signal =
      call.signal === undefined ? timeout.signal : AbortSignal.any([call.signal, timeout.signal]);
    let response: Response;
    try {
      response = await fetchFunction(urlOf(server, call.path, call.query), {
        method: call.method ?? 'GET',
        headers: headersOf(call, token),
        body: call.bytes ?? (call.json === undefined ? undefined : JSON.stringify(call.json)),
        signal,
      });
    } catch (error) {
      if (call.signal?.aborted === true) throw error;
      throw networkError(server, error, timeout.signal.aborted ? timeoutMs : undefined);
    } finally {
      clearTimeout(timer);
    }
    if (response.ok || response.status === 304) {
      hasAnswered = true;
      isWaiting = false;
      return response;
    }
    const problem = await problemError(response, `${call.method ?? 'GET'} ${call.path}`);
    hasAnswered ||= problem.code !== 'server.unreachable';
    throw problem;
  };

  const waitBefore = async (error: MurnauError, sinceMs: number, signal?: AbortSignal): Promise<void> => {
    const patience = hasAnswered ? patienceMs : firstPatienceMs;
    if (!repeatableCodes.includes(error.code) || Date.now() - sinceMs + retryDelayMs > patience) throw error;
    if (!isWaiting) onWaiting?.(error);
    isWaiting = true;
    await sleep(retryDelayMs, undefined, signal === undefined ? {} : { signal });
  };

  const send = async (call: Call): Promise<Response> => {
    const isRepeatable = call.repeatable ?? (call.method !== 'POST' || call.idempotencyKey !== undefined);
    const sinceMs = Date.now();
    for (;;) {
      try {
        return await once(call);
      } catch (error) {
        if (!isRepeatable || !(error instanceof MurnauError)) throw error;
        await waitBefore(error, sinceMs, call.signal);
      }
    }
  };

  const json = async <Schema extends z.ZodType>(schema: Schema, call: Call): Promise<z.output<Schema>> => {
    const response = await send(call);
    const body: unknown = await response.json().catch((cause: unknown) => {
      throw networkError(server, cause);
    });
    try {
      return parseAnswer(asAnswer(schema), body, `answer to ${call.method ?? 'GET'} ${call.path}`);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new MurnauError('internal', `the server's answer was not understood: ${reason}`, { cause });
    }
  };

  return { server, send, json, waitBefore };
}
