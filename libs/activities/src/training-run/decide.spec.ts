import { runPhases, runWishes, sweepPhases } from '@murnau/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideAction, nextOrder } from './decide.js';

const states = fc.record({
  phase: fc.constantFrom(...runPhases),
  certified_step: fc.nat(1_000),
  target_step: fc.integer({ min: 1, max: 1_000 }),
  max_steps: fc.integer({ min: 1, max: 1_000 }),
  wish: fc.option(fc.constantFrom(...runWishes)),
  wish_by: fc.option(fc.constant('ann')),
  sweep_phase: fc.option(fc.constantFrom(...sweepPhases)),
});

const running = {
  phase: 'running',
  certified_step: 5,
  target_step: 10,
  max_steps: 10,
  wish: null,
  wish_by: null,
  sweep_phase: 'running',
} as const;

describe('decideAction', () => {
  it('never goes on with what has ended, and never trains past the end', () => {
    fc.assert(
      fc.property(states, (state) => {
        const action = decideAction(state);
        const hasEnded = ['finished', 'failed', 'cancelled'].includes(state.phase);
        expect(action.kind === 'ended').toBe(hasEnded);
        if (action.kind === 'train') {
          expect(action.from_step).toBe(state.certified_step);
          expect(action.until_step).toBeGreaterThan(action.from_step);
          expect(action.until_step).toBeLessThanOrEqual(Math.min(state.max_steps, state.target_step));
          // Whoever asked for anything else, or whose sweep rests, computes nothing.
          expect(state.wish).toBeNull();
          expect(state.sweep_phase).not.toBe('paused');
        }
        if (action.kind === 'finish') {
          const isWhole = state.certified_step >= state.max_steps;
          expect(isWhole || state.wish === 'stop').toBe(true);
          // Something is published only where something is stored.
          expect(state.certified_step).toBeGreaterThan(0);
        }
        if (action.kind === 'wait') {
          expect(state.certified_step).toBeGreaterThanOrEqual(state.target_step);
          expect(state.certified_step).toBeLessThan(state.max_steps);
        }
      }),
    );
  });

  it('reaches an end whatever part of each segment is done', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 100 }), (progress) => {
        let step = 0;
        for (const done of progress) {
          const action = decideAction({
            phase: 'running',
            certified_step: step,
            target_step: 100,
            max_steps: 100,
            wish: null,
            wish_by: null,
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
    expect(decideAction({ ...running, sweep_phase: 'cancelled' })).toEqual({
      kind: 'cancel',
      by: 'its sweep',
    });
  });

  it('finishes early, or ends with nothing, as it was asked', () => {
    const asked = { ...running, wish_by: 'ann' };
    expect(decideAction({ ...asked, wish: 'stop' })).toEqual({ kind: 'finish', early_stop: 'stopped' });
    expect(decideAction({ ...asked, wish: 'stop', certified_step: 0 })).toEqual({
      kind: 'cancel',
      by: 'ann',
    });
    expect(decideAction({ ...asked, wish: 'drop' })).toEqual({ kind: 'cancel', by: 'ann' });
    expect(decideAction({ ...running, is_plateau: true })).toEqual({ kind: 'finish', early_stop: 'plateau' });
    expect(decideAction({ ...asked, wish: 'pause' })).toEqual({ kind: 'pause', by: 'ann' });
  });
});

describe('nextOrder', () => {
  it('stands above every claim, also of a workflow that counts anew', () => {
    expect(nextOrder({ chain: -1, segment: -1 }, 0)).toEqual({ chain: 0, segment: 1 });
    expect(nextOrder({ chain: 0, segment: 3 }, 0)).toEqual({ chain: 0, segment: 4 });
    expect(nextOrder({ chain: 0, segment: 3 }, 1)).toEqual({ chain: 1, segment: 1 });
    // Reset to a run of the workflow before the newest.
    expect(nextOrder({ chain: 2, segment: 7 }, 1)).toEqual({ chain: 2, segment: 8 });
  });
});
