import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlateau } from './plateau.js';

const every = 25;
const curve = (count: number, loss: (step: number) => number) =>
  Array.from({ length: count }, (_, index) => ({
    step: (index + 1) * every,
    eval_loss: loss((index + 1) * every),
  }));

describe('isPlateau', () => {
  it('sees that a loss that falls and then stays has stopped moving', () => {
    const settles = curve(24, (step) => 0.1 + Math.exp(-step / 80));
    expect(isPlateau(settles, 0.3)).toBe(true);
    // Nothing lies before the window yet.
    expect(isPlateau(settles.slice(0, 8), 0.3)).toBe(false);
    expect(
      isPlateau(
        curve(16, (step) => 1 - step / 1_000),
        0.3,
      ),
    ).toBe(false);
  });

  it('never stops what has learnt nothing, or was evaluated too seldom', () => {
    const settles = curve(24, (step) => 0.1 + Math.exp(-step / 80));
    for (const gain of [undefined, 0, -1]) expect(isPlateau(settles, gain)).toBe(false);
    const seldom = settles.filter(({ step }) => step % 50 === 0);
    expect(isPlateau(seldom, 0.3)).toBe(false);
    expect(isPlateau([], 0.3)).toBe(false);
  });

  it('does not depend on the unit of the loss', () => {
    const losses = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 10, maxLength: 60 });
    fc.assert(
      fc.property(losses, fc.constantFrom(0.5, 2, 1_024), (given, factor) => {
        const run = given.map((eval_loss, index) => ({ step: index * every, eval_loss }));
        const scaled = run.map(({ step, eval_loss }) => ({ step, eval_loss: eval_loss * factor }));
        expect(isPlateau(scaled, 1)).toBe(isPlateau(run, 1));
      }),
    );
  });
});
