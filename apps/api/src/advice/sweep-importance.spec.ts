import {
  MurnauError,
  type PastTrial,
  type Sweep,
  type SweepFileInput,
  sweepFileSchema,
} from '@murnau/domain';
import type { ImportanceQuestion } from '@murnau/gpu-client';
import { expect, it } from 'vitest';
import { type ImportanceAdvisor, SweepImportances } from './sweep-importance.js';

const pairs = { values: [{ placeholder: 'sapsan', initializer: 'train' }] };
const sweepOf = (finished: number, parameters: Partial<SweepFileInput['parameters']> = {}): Sweep =>
  ({
    id: 'aaaaaaaa',
    counts: { finished },
    spec: sweepFileSchema.parse({
      name: 'pairs',
      dataset: '00000000',
      parameters: {
        pair: pairs,
        learning_rate_t1: { values: [0.1, 0.2] },
        learning_rate_t2: { values: [0.1, 0.2] },
        ...parameters,
      },
    }),
  }) as unknown as Sweep;

const past: PastTrial = {
  trial: 0,
  values: {
    pair: { placeholder: 'sapsan', initializer: 'train' },
    learning_rate_t1: 0.1,
    learning_rate_t2: 0.2,
  },
  state: 'finished',
  value: 0.4,
  intermediate: [],
};
const store = { sweeps: { sample: () => Promise.resolve([past]) } } as never;

function advisorOf(
  shares: Record<string, number> | null,
): ImportanceAdvisor & { asked: ImportanceQuestion[] } {
  const asked: ImportanceQuestion[] = [];
  return {
    asked,
    importance: (question) => {
      asked.push(question);
      return Promise.resolve({ shares, finished_trials: 3, needed_trials: 10 });
    },
  };
}

it('asks about what varies, once for each number of finished trials', async () => {
  const advisor = advisorOf({ learning_rate_t1: 1, learning_rate_t2: 0 });
  const importances = new SweepImportances(store, advisor);
  const shares = { kind: 'shares', shares: { learning_rate_t1: 1, learning_rate_t2: 0 } };
  expect(await importances.of(sweepOf(10))).toEqual(shares);
  expect(await importances.of(sweepOf(10))).toEqual(shares);
  expect(advisor.asked).toHaveLength(1);
  expect(advisor.asked[0]?.parameters.map(({ name }) => name)).toEqual([
    'learning_rate_t1',
    'learning_rate_t2',
  ]);
  expect(advisor.asked[0]?.history[0]?.values).toEqual({ learning_rate_t1: 0.1, learning_rate_t2: 0.2 });
  await importances.of(sweepOf(11));
  expect(advisor.asked).toHaveLength(2);
  // A sweep may be given more to search while no trial ends.
  await importances.of(sweepOf(11, { batch_size: { values: [1, 2] } }));
  expect(advisor.asked).toHaveLength(3);
});

it('says what is missing, and asks again where nobody answered', async () => {
  expect(await new SweepImportances(store, advisorOf(null)).of(sweepOf(3))).toEqual({
    kind: 'few',
    finished: 3,
    needed: 10,
  });
  let isAway = true;
  const flaky: ImportanceAdvisor = {
    importance: () =>
      isAway
        ? Promise.reject(new MurnauError('advisor.unavailable', 'away'))
        : Promise.resolve({ shares: { a: 1 }, finished_trials: 10, needed_trials: 10 }),
  };
  const importances = new SweepImportances(store, flaky);
  expect(await importances.of(sweepOf(10))).toEqual({ kind: 'away' });
  isAway = false;
  expect(await importances.of(sweepOf(10))).toMatchObject({ kind: 'shares' });
});

it('has nothing to say where one thing varies at most', async () => {
  const advisor = advisorOf({});
  const fixed = sweepOf(10, { learning_rate_t2: { value: 0.1 } });
  expect(await new SweepImportances(store, advisor).of(fixed)).toBeUndefined();
  expect(advisor.asked).toEqual([]);
});
