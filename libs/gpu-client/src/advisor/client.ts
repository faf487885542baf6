import type { AdviceParameter, AdviceValues, ForbiddenPoint, PastTrial } from '@murnau/domain';
import { createChannel, createClientFactory } from 'nice-grpc';
import { callMiddleware } from '../calls.js';
import { channelOptions } from '../channel.js';
import { AdvisorServiceDefinition } from '../gen/murnau/advisor/v1/advisor.js';
import { advisorPeer } from '../peer.js';
import type { CallControl } from '../types.js';
import { toAdviceValues, toProtoForbidden, toProtoParameter, toProtoPastTrial } from './convert.js';

interface AdvisorClientOptions {
  /** Longest wait for an answer, in milliseconds. Default 30,000: ten thousand past trials take some seconds. */
  readonly timeoutMs?: number;
}

export interface ImportanceQuestion {
  readonly parameters: readonly AdviceParameter[];
  /** At most 100,000. Of more than 10,000 the newest and the best count. */
  readonly history: readonly PastTrial[];
  readonly goal: 'maximize' | 'minimize';
}

export interface SuggestQuestion extends ImportanceQuestion {
  /** Number of the first trial that is wanted. */
  readonly trial: number;
  /** Trials wanted, with consecutive numbers, 1 to 100. */
  readonly count: number;
  /** Of the sweep: same seed, history, forbidden points and trial, same answer. */
  readonly seed: number;
  /** At most 10,000, in the order in which they were suggested. */
  readonly forbidden: readonly ForbiddenPoint[];
}

interface Importance {
  /** Name → share, greatest first; the shares add up to 1. Null: too few trials have finished. */
  readonly shares: Readonly<Record<string, number>> | null;
  readonly finished_trials: number;
  readonly needed_trials: number;
}

/** Every error is a MurnauError with its cause (`advisor.unavailable`, `spec.invalid`), or the caller's own abort. */
export interface AdvisorClient {
  readonly address: string;
  /** The values of each trial wanted: those of the parameters that take part. */
  suggest(question: SuggestQuestion, control?: CallControl): Promise<AdviceValues[]>;
  importance(question: ImportanceQuestion, control?: CallControl): Promise<Importance>;
  close(): void;
}

/** A hundred thousand past trials of a kilobyte each. */
const largestQuestionBytes = 128 * 1024 * 1024;

/** @param address `host:port` */
export function createAdvisorClient(address: string, options: AdvisorClientOptions = {}): AdvisorClient {
  const { timeoutMs = 30_000 } = options;
  const channel = createChannel(address, undefined, {
    ...channelOptions,
    'grpc.max_send_message_length': largestQuestionBytes,
  });
  const client = createClientFactory()
    .use(callMiddleware(advisorPeer, timeoutMs))
    .create(AdvisorServiceDefinition, channel);

  return {
    address,
    async suggest({ parameters, history, trial, count, seed, goal, forbidden }, control) {
      const request = {
        parameters: parameters.map(toProtoParameter),
        history: history.map(toProtoPastTrial),
        trial,
        count,
        seed: BigInt(seed),
        maximize: goal === 'maximize',
        forbidden: forbidden.map(toProtoForbidden),
      };
      const { parametersJson } = await client.suggest(request, control);
      return parametersJson.map(toAdviceValues);
    },
    async importance({ parameters, history, goal }, control) {
      const request = {
        parameters: parameters.map(toProtoParameter),
        history: history.map(toProtoPastTrial),
        maximize: goal === 'maximize',
      };
      const answer = await client.importance(request, control);
      const shares = answer.importances.map(({ name, share }) => [name, share] as const);
      return {
        shares: shares.length === 0 ? null : Object.fromEntries(shares),
        finished_trials: answer.finishedTrials,
        needed_trials: answer.neededTrials,
      };
    },
    close: () => channel.close(),
  };
}
