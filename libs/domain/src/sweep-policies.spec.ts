import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { durationSeconds } from './duration.js';
import { MurnauError } from './errors.js';
import { parse } from './parse.js';
import { policyProblems, rungsOf, sweepPolicies } from './sweep-policies.js';
import { sweepFileSchema } from './sweep-file.js';

const schema = z.strictObject(sweepPolicies);
const policies = (value: z.input<typeof schema>) => parse(schema, value, 'sweep file');

describe('policies', () => {
  it('are none by default', () => {
    expect(policies({})).toEqual({
      early_terminate: { type: 'none' },
      stop_when: { plateau: false },
      priority: 3,
    });
  });

  it('are those of the interface', () => {
    const given: z.input<typeof schema> = {
      early_terminate: { type: 'asha', min_steps: 150, eta: 2 },
      stop_when: { plateau: true },
      budget: { gpu_hours: 12 },
      finalists: { count: 3, seeds: [1, 2, 3] },
      gate: { after_rung: 1, wait: '48h' },
      priority: 3,
    };
    expect(policies(given)).toEqual(given);
    expect(policyProblems(policies(given), { maxSteps: 600, trials: 24 })).toEqual([]);
  });

  it.each([
    [
      { early_terminate: { type: 'asha', min_steps: 10, eta: 1 } },
      'early_terminate.eta',
      'must be at least 2',
    ],
    [{ early_terminate: { type: 'asha', min_steps: 0 } }, 'early_terminate.min_steps', 'must be at least 1'],
    [{ early_terminate: { type: 'asha' } }, 'early_terminate.min_steps', 'is missing'],
    [{ early_terminate: { type: 'ahsa', min_steps: 10 } }, 'early_terminate.type', 'must be {type: asha'],
    [
      { early_terminate: { type: 'asha', min_step: 1 } },
      'early_terminate.min_step',
      'did you mean "min_steps"?',
    ],
    [{ early_terminate: 'asha' }, 'early_terminate', 'must be'],
    [{ stop_when: { plateu: true } }, 'stop_when.plateu', 'did you mean "plateau"?'],
    [{ stop_when: { plateau: 'yes' } }, 'stop_when.plateau', 'must be true or false'],
    [{ budget: {} }, 'budget', 'must have at least one of'],
    [{ budget: { gpu_hours: 0 } }, 'budget.gpu_hours', 'must be above 0'],
    [{ budget: { gpu_hours: '12' } }, 'budget.gpu_hours', 'must be a number, without quotes'],
    [{ budget: { trials: 0 } }, 'budget.trials', 'must be at least 1'],
    [{ budget: { wall_time: '0h' } }, 'budget.wall_time', 'above 0'],
    [{ budget: { wall_time: 3600 } }, 'budget.wall_time', 'must be text'],
    [{ budget: { hours: 3 } }, 'budget.hours', 'unknown key'],
    [{ finalists: { count: 0, seeds: [1] } }, 'finalists.count', 'must be at least 1'],
    [{ finalists: { count: 1, seeds: [] } }, 'finalists.seeds', 'must have an entry'],
    [{ finalists: { count: 1, seeds: [1, 1] } }, 'finalists.seeds', 'must not name a seed twice'],
    [{ finalists: { count: 1 } }, 'finalists.seeds', 'is missing'],
    [{ gate: { after_rung: 0, wait: '1h' } }, 'gate.after_rung', 'must be at least 1'],
    [{ gate: { after_rung: 1, wait: '48' } }, 'gate.wait', 'must be a time with its unit'],
    [{ gate: { after_rung: 1, wait: '400d' } }, 'gate.wait', 'at most 365d'],
    [{ priority: 0 }, 'priority', 'must be at least 1'],
    [{ priority: 6 }, 'priority', 'must be at most 5'],
  ])('%j is refused', (value, field, says) => {
    try {
      parse(schema, value, 'sweep file');
    } catch (error) {
      expect(error).toBeInstanceOf(MurnauError);
      expect((error as MurnauError).field).toBe(field);
      expect((error as MurnauError).message).toContain(says);
      return;
    }
    throw new Error('was not refused');
  });

  it('are all keys of the sweep file', () => {
    for (const key of Object.keys(sweepPolicies)) expect(sweepFileSchema.shape).toHaveProperty(key);
  });

  it.each<[z.input<typeof schema>, string]>([
    [{ early_terminate: { type: 'asha', min_steps: 600 } }, 'early_terminate.min_steps'],
    [{ gate: { after_rung: 1, wait: '1h' } }, 'gate'],
    [
      { early_terminate: { type: 'asha', min_steps: 150 }, gate: { after_rung: 3, wait: '1h' } },
      'gate.after_rung',
    ],
    [{ finalists: { count: 25, seeds: [1] } }, 'finalists.count'],
  ])('%j make no sense in a sweep of 24 trials of 600 steps', (value, field) => {
    const problems = policyProblems(policies(value), { maxSteps: 600, trials: 24 });
    expect(problems.map(({ path }) => path.join('.'))).toEqual([field]);
  });
});

describe('rungs', () => {
  it('double from the first to the last step', () => {
    expect(rungsOf({ min_steps: 150, eta: 2 }, 600)).toEqual([150, 300, 600]);
    expect(rungsOf({ min_steps: 100, eta: 3 }, 500)).toEqual([100, 300, 500]);
    expect(rungsOf({ min_steps: 600, eta: 2 }, 600)).toEqual([600]);
  });

  it('grow, and end at the last step', () => {
    const steps = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 2, max: 16 }), steps, (min_steps, eta, maxSteps) => {
        const rungs = rungsOf({ min_steps, eta }, maxSteps);
        expect(rungs.at(-1)).toBe(maxSteps);
        expect(rungs.every((rung, index) => index === 0 || rung > (rungs[index - 1] ?? 0))).toBe(true);
      }),
    );
  });
});

describe('durations', () => {
  it.each([
    ['90s', 90],
    ['15m', 900],
    ['1.5h', 5400],
    ['48 h', 172_800],
    ['2d', 172_800],
    ['2', undefined],
    ['-1h', undefined],
    ['1w', undefined],
    ['', undefined],
  ])('%s', (text, seconds) => expect(durationSeconds(text)).toBe(seconds));
});
