import { runPhases, sweepPhases } from '@murnau/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideNext } from './decide-next.js';

const states = fc.record({
  phase: fc.constantFrom(...runPhases),
  certified_step: fc.nat(1_000),
  max_steps: fc.integer({ min: 1, max: 1_000 }),
  sweep_phase: fc.option(fc.constantFrom(...sweepPhases)),
});

describe('decideNext', () => {
  it('never goes on with what has ended, and never trains past the end', () => {
    fc.assert(
      fc.property(states, (state) => {
        const action = decideNext(state);
        const hasEnded = ['finished', 'failed', 'cancelled'].includes(state.phase);
        expect(action.kind === 'ended').toBe(hasEnded);
        if (action.kind === 'train') {
          expect(action.from_step).toBe(state.certified_step);
          expect(action.until_step).toBeGreaterThan(action.from_step);
          expect(action.until_step).toBeLessThanOrEqual(state.max_steps);
        }
        if (action.kind === 'finish') expect(state.certified_step).toBeGreaterThanOrEqual(state.max_steps);
      }),
    );
  });

  it('reaches an end whatever part of each segment is done', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 100 }), (progress) => {
        let step = 0;
        for (const done of progress) {
          const action = decideNext({
            phase: 'running',
            certified_step: step,
            max_steps: 100,
            sweep_phase: null,
          });
          if (action.kind === 'finish') return;
          if (action.kind !== 'train') throw new Error(action.kind);
          step = Math.min(action.until_step, step + done);
        }
        expect(step).toBe(100);
      }),
    );
  });

  it('ends a trial whose sweep was cancelled', () => {
    const state = { phase: 'running', certified_step: 5, max_steps: 10, sweep_phase: 'cancelled' } as const;
    expect(decideNext(state)).toEqual({ kind: 'cancel', by: 'its sweep' });
  });
});
