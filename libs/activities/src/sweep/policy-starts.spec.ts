import { hasSettled, settledPhase, sweepPhases } from '@murnau/domain';
import type { TrialCounts } from '@murnau/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideStarts, maxStartsPerDecision } from './policy.js';

const none: TrialCounts = {
  to_start: 0,
  resumed: 0,
  open: 0,
  held: 0,
  waiting: 0,
  finished: 0,
  failed: 0,
  cancelled: 0,
};
const few = fc.nat(200);
const counts = fc.record({
  to_start: few,
  resumed: few,
  open: few,
  held: few,
  waiting: few,
  finished: few,
  failed: few,
  cancelled: few,
});
const limits = fc.integer({ min: 1, max: 100 });
const reasons = fc.option(fc.constant('stopped by ann'));

describe('decideStarts', () => {
  it('keeps within its window, and never stands still while it may start something', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...sweepPhases),
        counts,
        reasons,
        limits,
        (phase, all, stop_reason, max) => {
          const { action, starts } = decideStarts({
            phase,
            counts: all,
            stop_reason,
            max_concurrent_trials: max,
          });
          const isOver = phase !== 'running' && phase !== 'paused';
          expect(action).toBe(isOver ? 'ended' : hasSettled(all) ? 'finish' : 'run');
          if (starts > 0) {
            expect(all.open + starts).toBeLessThanOrEqual(max);
            expect({ phase, stop_reason }).toEqual({ phase: 'running', stop_reason: null });
          }
          expect(starts).toBeLessThanOrEqual(Math.min(all.to_start, maxStartsPerDecision));
          const mayStart = phase === 'running' && stop_reason === null && all.to_start > 0 && all.open < max;
          expect(starts > 0).toBe(mayStart);
        },
      ),
    );
  });

  it('starts every trial once, whichever ends first, and then finishes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), limits, (trials, max) => {
        let state = { ...none, to_start: trials };
        let started = 0;
        for (;;) {
          const { action, starts } = decideStarts({
            phase: 'running',
            counts: state,
            stop_reason: null,
            max_concurrent_trials: max,
          });
          if (action === 'finish') break;
          started += starts;
          state = { ...state, to_start: state.to_start - starts, open: state.open + starts };
          if (state.open === 0) throw new Error('stands still');
          state = { ...state, open: state.open - 1, finished: state.finished + 1 };
        }
        expect(started).toBe(trials);
        expect(settledPhase(state)).toBe('finished');
      }),
    );
  });
});
