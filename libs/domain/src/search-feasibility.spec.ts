import { describe, expect, it } from 'vitest';
import { feasibilityOf, previewTrials, spaceNotices } from './search-feasibility.js';
import { sweepFileSchema } from './sweep-file.js';
import type { SweepFile, SweepFileInput } from './sweep-file.js';

/** Batches of up to 256 samples are permitted. */
function fileOf(
  least: { batch: number; accumulation: number },
  method: SweepFileInput['method'] = 'tpe',
): SweepFile {
  return sweepFileSchema.parse({
    name: 'product',
    dataset: './plain',
    method,
    run_cap: 24,
    seed: 5,
    parameters: {
      pair: { values: [{ placeholder: 'lumicar', initializer: 'car' }] },
      batch_size: { distribution: 'log_int_uniform', min: least.batch, max: 64 },
      gradient_accumulation_steps: { distribution: 'log_int_uniform', min: least.accumulation, max: 16 },
      max_steps: { value: 10 },
    },
  });
}

const rule = 'must leave batch_size × gradient_accumulation_steps at 256 or less';

describe('a space with forbidden points', () => {
  it('is told apart by a thousand draws', () => {
    const { permitted, forbidden } = feasibilityOf(fileOf({ batch: 1, accumulation: 1 }));
    expect(forbidden).toBeGreaterThan(20);
    expect(forbidden).toBeLessThan(200);
    expect(permitted).toHaveLength(1_000 - forbidden);
    for (const { spec } of permitted) {
      expect(spec.batch_size * spec.gradient_accumulation_steps).toBeLessThanOrEqual(256);
    }
    const [notice, ...others] = spaceNotices(fileOf({ batch: 1, accumulation: 1 }));
    expect(others).toEqual([]);
    expect(notice).toContain(`${forbidden / 10} % of 1,000 draws from the space are forbidden`);
    expect(notice).toContain(rule);
  });

  it('is refused where no point is permitted, with the rule and the share', () => {
    const file = fileOf({ batch: 32, accumulation: 9 });
    expect(() => spaceNotices(file)).toThrow(
      expect.objectContaining({
        code: 'spec.invalid',
        field: 'parameters',
        given: '0 permitted of 1,000 draws',
        message: expect.stringMatching(
          new RegExp(`no permitted point: 100 % of 1,000 draws are forbidden: .*${rule}`),
        ),
      }),
    );
    expect(previewTrials(file)).toEqual([]);
  });

  it('is previewed by points that are permitted, numbered from 0', () => {
    const trials = previewTrials(fileOf({ batch: 16, accumulation: 8 }));
    expect(trials.map(({ trial }) => trial)).toEqual(Array.from({ length: 24 }, (_, index) => index));
  });
});

it('says nothing of a space whose points are all permitted, nor of one that is expanded point by point', () => {
  expect(
    spaceNotices(
      sweepFileSchema.parse({
        ...fileOf({ batch: 1, accumulation: 1 }),
        parameters: {
          pair: { values: [{ placeholder: 'lumicar', initializer: 'car' }] },
          batch_size: { values: [1, 2] },
        },
      }),
    ),
  ).toEqual([]);
  expect(spaceNotices(fileOf({ batch: 1, accumulation: 1 }, 'random'))).toEqual([]);
});
