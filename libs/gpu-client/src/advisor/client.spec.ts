import { MurnauError } from '@murnau/domain';
import type { AdviceParameter, PastTrial } from '@murnau/domain';
import { createServer, ServerError, Status } from 'nice-grpc';
import type { CallContext, Server } from 'nice-grpc';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as proto from '../gen/murnau/advisor/v1/advisor.js';
import { ErrorDetail } from '../gen/murnau/worker/v1/worker.js';
import { createAdvisorClient } from './client.js';
import type { AdvisorClient, SuggestQuestion } from './client.js';

const parameters: AdviceParameter[] = [
  {
    name: 'pair',
    domain: { kind: 'choice', values: [{ placeholder: 'sapsan', initializer: 'train' }] },
    when: [],
  },
  { name: 'learning_rate_t1', domain: { kind: 'float', min: 0.01, max: 0.5, log: true }, when: [] },
  { name: 'schedule', domain: { kind: 'choice', values: ['constant', 'cosine'] }, when: [] },
  {
    name: 'schedule_steps',
    domain: { kind: 'int', min: 10, max: 400, log: false },
    when: [{ parameter: 'schedule', values: ['cosine'] }],
  },
];
const history: PastTrial[] = [
  { trial: 0, values: { schedule: 'constant' }, state: 'finished', value: 0, intermediate: [] },
  {
    trial: 1,
    values: { schedule: 'cosine', schedule_steps: 12 },
    state: 'pruned',
    value: null,
    intermediate: [{ step: 150, value: 0.25 }],
  },
];
const question: SuggestQuestion = {
  parameters,
  history,
  goal: 'maximize',
  trial: 2,
  count: 2,
  seed: Number.MAX_SAFE_INTEGER,
  forbidden: [{ trial: 2, values: { schedule: 'cosine', schedule_steps: 11 } }],
};

let server: Server;
let client: AdvisorClient;
let asked: proto.SuggestRequest[];
let answer: (request: proto.SuggestRequest, context: CallContext) => Promise<proto.SuggestResponse>;

beforeEach(async () => {
  asked = [];
  answer = () => Promise.resolve({ parametersJson: ['{"schedule":"constant"}'] });
  server = createServer();
  server.add(proto.AdvisorServiceDefinition, {
    suggest: (request, context) => {
      asked.push(request);
      return answer(request, context);
    },
    importance: ({ history: past }) =>
      Promise.resolve({
        importances: past.length < 2 ? [] : [{ name: 'schedule', share: 1 }],
        finishedTrials: past.length,
        neededTrials: 2,
      }),
  });
  const port = await server.listen('127.0.0.1:0');
  client = createAdvisorClient(`127.0.0.1:${port}`, { timeoutMs: 2_000 });
});
afterEach(() => {
  client.close();
  server.forceShutdown();
});

async function failureOf(promise: Promise<unknown>): Promise<MurnauError> {
  const error: unknown = await promise.then(() => undefined).catch((reason: unknown) => reason);
  if (!(error instanceof MurnauError)) throw new Error(`not a MurnauError: ${String(error)}`);
  return error;
}

describe('advisor client', () => {
  it('asks in the protocol and answers in domain types', async () => {
    expect(await client.suggest(question)).toEqual([{ schedule: 'constant' }]);
    expect(asked[0]).toEqual({
      parameters: [
        {
          name: 'pair',
          domain: {
            $case: 'choice',
            value: { valuesJson: ['{"placeholder":"sapsan","initializer":"train"}'] },
          },
          when: [],
        },
        {
          name: 'learning_rate_t1',
          domain: { $case: 'floatRange', value: { min: 0.01, max: 0.5, log: true } },
          when: [],
        },
        {
          name: 'schedule',
          domain: { $case: 'choice', value: { valuesJson: ['"constant"', '"cosine"'] } },
          when: [],
        },
        {
          name: 'schedule_steps',
          domain: { $case: 'intRange', value: { min: 10n, max: 400n, log: false } },
          when: [{ parameter: 'schedule', valuesJson: ['"cosine"'] }],
        },
      ],
      history: [
        {
          trial: 0,
          parametersJson: '{"schedule":"constant"}',
          state: proto.TrialState.TRIAL_STATE_FINISHED,
          value: 0,
          intermediate: [],
        },
        {
          trial: 1,
          parametersJson: '{"schedule":"cosine","schedule_steps":12}',
          state: proto.TrialState.TRIAL_STATE_PRUNED,
          value: undefined,
          intermediate: [{ step: 150, value: 0.25 }],
        },
      ],
      trial: 2,
      count: 2,
      seed: BigInt(Number.MAX_SAFE_INTEGER),
      maximize: true,
      forbidden: [{ trial: 2, parametersJson: '{"schedule":"cosine","schedule_steps":11}' }],
    });
  });

  it('tells importance, or that too few have finished', async () => {
    expect(await client.importance({ parameters, history, goal: 'minimize' })).toEqual({
      shares: { schedule: 1 },
      finished_trials: 2,
      needed_trials: 2,
    });
    const few = await client.importance({ parameters, history: [], goal: 'minimize' });
    expect(few.shares).toBeNull();
  });

  it('passes a refusal on with its field', async () => {
    answer = (_, context) => {
      const detail = { code: 'spec.invalid', message: 'no', field: 'count', given: '0', allowed: '1 to 100' };
      context.trailer.set('murnau-error-bin', ErrorDetail.encode(detail).finish());
      return Promise.reject(new ServerError(Status.INVALID_ARGUMENT, 'spec.invalid: no'));
    };
    expect(await failureOf(client.suggest(question))).toMatchObject({
      code: 'spec.invalid',
      field: 'count',
      given: '0',
      allowed: '1 to 100',
    });
  });

  it('says that the advisor is away: dead, silent, or ended on the way', async () => {
    answer = () => Promise.reject(new ServerError(Status.ABORTED, 'boom'));
    expect((await failureOf(client.suggest(question))).code).toBe('advisor.unavailable');

    answer = () => new Promise(() => {});
    const silent = await failureOf(client.suggest(question));
    expect(silent).toMatchObject({ code: 'advisor.unavailable', kind: { retryable: true } });
    expect(silent.message).toContain('Suggest within 2000 ms');

    server.forceShutdown();
    expect((await failureOf(client.suggest(question))).code).toBe('advisor.unavailable');
  });

  it('does not wait for one that fails for a reason of its own', async () => {
    answer = () => Promise.reject(new ServerError(Status.UNKNOWN, 'boom'));
    expect((await failureOf(client.suggest(question))).code).toBe('internal');
  });

  it("ends with the caller's own abort", async () => {
    answer = () => new Promise(() => {});
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    await expect(client.suggest(question, { signal: stop.signal })).rejects.toThrow(/abort/i);
  });
});
