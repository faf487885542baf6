import { runPhases } from '@murnau/domain';
import type { RunPhase } from '@murnau/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TrialState } from './decide-sweep.js';
import { decideSweep, hasEnded, maxStartsPerDecision, settledPhase } from './decide-sweep.js';

const trialsOf = (states: readonly (readonly [RunPhase, boolean])[]): TrialState[] =>
  states.map(([phase, is_started], trial) => ({ run_id: `run-${trial}`, trial, phase, is_started }));

const trials = fc
  .array(fc.tuple(fc.constantFrom(...runPhases), fc.boolean()), { maxLength: 200 })
  .map(trialsOf);
const limits = fc.integer({ min: 1, max: 100 });

describe('decideSweep', () => {
  it('keeps within its window, starts in order, and starts nothing twice', () => {
    fc.assert(
      fc.property(trials, limits, (all, max_concurrent_trials) => {
        const { action, start } = decideSweep({ phase: 'running', trials: all, max_concurrent_trials });
        const open = all.filter(({ phase }) => !hasEnded(phase));
        const running = open.filter(({ is_started }) => is_started).length;
        expect(action).toBe(open.length === 0 ? 'finish' : 'run');
        if (start.length > 0) expect(running + start.length).toBeLessThanOrEqual(max_concurrent_trials);
        expect(start.length).toBeLessThanOrEqual(maxStartsPerDecision);
        const waiting = open.filter(({ is_started }) => !is_started).map(({ run_id }) => run_id);
        expect(start).toEqual(waiting.slice(0, start.length));
        // It never stands still while it may start something.
        if (waiting.length > 0 && running < max_concurrent_trials) expect(start.length).toBeGreaterThan(0);
      }),
    );
  });

  it('runs every trial once, whichever ends first', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        limits,
        fc.infiniteStream(fc.nat()),
        (count, limit, picks) => {
          const all = Array.from({ length: count }, (_, trial): TrialState => ({
            run_id: `run-${trial}`,
            trial,
            phase: 'queued',
            is_started: false,
          }));
          const started: string[] = [];
          for (const pick of picks) {
            const { action, start } = decideSweep({
              phase: 'running',
              trials: all,
              max_concurrent_trials: limit,
            });
            if (action === 'finish') break;
            for (const id of start) {
              started.push(id);
              const trial = all.findIndex(({ run_id }) => run_id === id);
              all[trial] = { ...(all[trial] as TrialState), phase: 'running', is_started: true };
            }
            const running = all.filter(({ phase }) => phase === 'running');
            const ending = running[pick % running.length];
            if (ending === undefined) throw new Error('stands still');
            all[ending.trial] = { ...ending, phase: 'finished' };
          }
          expect(started).toEqual(all.map(({ run_id }) => run_id));
          expect(settledPhase(all)).toBe('finished');
        },
      ),
    );
  });

  it('does nothing for a sweep that has ended', () => {
    const all = trialsOf([['queued', false]]);
    expect(decideSweep({ phase: 'cancelled', trials: all, max_concurrent_trials: 4 })).toEqual({
      action: 'ended',
      start: [],
    });
  });

  it('has failed only if nothing came of it', () => {
    expect(
      settledPhase(
        trialsOf([
          ['failed', true],
          ['finished', true],
        ]),
      ),
    ).toBe('finished');
    expect(
      settledPhase(
        trialsOf([
          ['failed', true],
          ['cancelled', true],
        ]),
      ),
    ).toBe('failed');
    expect(settledPhase(trialsOf([['cancelled', true]]))).toBe('cancelled');
  });
});
