import { MurnauError, sweepFileSchema } from '@murnau/domain';
import type { AdviceValues, ForbiddenPoint } from '@murnau/domain';
import type { SuggestQuestion } from '@murnau/gpu-client';
import type { NewTrial, SweepState } from '@murnau/store';
import { describe, expect, it } from 'vitest';
import { mostForbidden, suggestTrials } from './suggest.js';

const pair = { placeholder: 'lumicar', initializer: 'car' };
const spec = sweepFileSchema.parse({
  name: 'product',
  dataset: '00000000',
  method: 'tpe',
  run_cap: 24,
  seed: 5,
  parameters: {
    pair: { values: [pair] },
    batch_size: { distribution: 'log_int_uniform', min: 1, max: 64 },
    gradient_accumulation_steps: { distribution: 'log_int_uniform', min: 1, max: 16 },
  },
});
const sweep = { id: 'aaaaaaaa', spec } as SweepState;
const point = (batch_size: number, gradient_accumulation_steps: number): AdviceValues => ({
  pair,
  batch_size,
  gradient_accumulation_steps,
});

/** The advisor gives these, as many as are asked for. */
function deps(suggestions: readonly AdviceValues[], forbidden: ForbiddenPoint[] = []) {
  const asked: SuggestQuestion[] = [];
  const planned: NewTrial[] = [];
  const rules: string[] = [];
  const store = {
    sweeps: {
      history: () => Promise.resolve([]),
      forbidden: () => Promise.resolve([...forbidden]),
      planSuggested: (_: string, trials: readonly NewTrial[]) =>
        Promise.resolve(void planned.push(...trials)),
      forbidSuggestion: (_: string, { rule, ...one }: ForbiddenPoint & { rule: string }) => {
        forbidden.push(one);
        rules.push(rule);
        return Promise.resolve();
      },
    },
  };
  const advisor = {
    suggest: (question: SuggestQuestion) => {
      asked.push({ ...question, forbidden: [...question.forbidden] });
      return Promise.resolve(suggestions.slice(0, question.count));
    },
  };
  return { asked, planned, forbidden, rules, store, advisor } as never as {
    asked: SuggestQuestion[];
    planned: NewTrial[];
    forbidden: ForbiddenPoint[];
    rules: string[];
  } & Parameters<typeof suggestTrials>[0];
}

describe('suggestions', () => {
  it('are planned as they come where no rule forbids them', async () => {
    const all = deps([point(4, 2), point(8, 2)]);
    await suggestTrials(all, sweep, { trial: 3, count: 2 });
    expect(all.planned.map(({ trial, spec: { batch_size } }) => [trial, batch_size])).toEqual([
      [3, 4],
      [4, 8],
    ]);
    expect(all.forbidden).toEqual([]);
    expect(all.asked).toMatchObject([{ trial: 3, count: 2, forbidden: [] }]);
  });

  it('are planned up to the first that a rule forbids, which the study is told of', async () => {
    const all = deps([point(4, 2), point(64, 16), point(8, 2)]);
    await suggestTrials(all, sweep, { trial: 3, count: 3 });
    expect(all.planned.map(({ trial }) => trial)).toEqual([3]);
    expect(all.forbidden).toEqual([{ trial: 4, values: point(64, 16) }]);
    expect(all.rules[0]).toContain('must leave batch_size × gradient_accumulation_steps at 256 or less');
    await suggestTrials(all, sweep, { trial: 4, count: 1 });
    expect(all.asked[1]?.forbidden).toEqual([{ trial: 4, values: point(64, 16) }]);
  });

  it('are replaced by a permitted draw after twenty forbidden ones of one trial, each trial by another', async () => {
    const all = deps([point(64, 16)]);
    for (const trial of [18, 19]) {
      for (let time = 1; time <= mostForbidden; time += 1) {
        expect(all.planned).toHaveLength(trial - 18);
        await suggestTrials(all, sweep, { trial, count: 1 });
      }
    }
    expect(all.forbidden).toHaveLength(2 * mostForbidden);
    expect(all.planned.map(({ trial }) => trial)).toEqual([18, 19]);
    const [first, second] = all.planned.map(({ spec: planned }) => planned);
    for (const { batch_size = 0, gradient_accumulation_steps = 0 } of [first, second].map((one) => ({
      ...one,
    })))
      expect(batch_size * gradient_accumulation_steps).toBeLessThanOrEqual(256);
    expect(first).not.toEqual(second);
  });

  it('are given up with the rule where no draw is permitted either', async () => {
    const { parameters } = spec;
    const batch_size = { distribution: 'log_int_uniform', min: 32, max: 64 } as const;
    const gradient_accumulation_steps = { ...batch_size };
    const narrow = {
      ...sweep,
      spec: { ...spec, parameters: { ...parameters, batch_size, gradient_accumulation_steps } },
    };
    const all = deps([point(64, 16)]);
    for (let time = 1; time < mostForbidden; time += 1) {
      await suggestTrials(all, narrow, { trial: 18, count: 1 });
    }
    const last: unknown = await suggestTrials(all, narrow, { trial: 18, count: 1 }).catch(
      (error: unknown) => error,
    );
    expect(last).toBeInstanceOf(MurnauError);
    expect(last).toMatchObject({ code: 'spec.invalid', field: 'gradient_accumulation_steps' });
    expect((last as MurnauError).message).toMatch(
      /^trial 18: 20 suggestions in a row are forbidden, the last: .*256/,
    );
    expect(all.planned).toEqual([]);
  });
});
