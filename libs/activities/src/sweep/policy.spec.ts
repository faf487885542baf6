import { sweepPhases } from '@murnau/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyState } from './policy.js';
import { decidePolicy, usedUp } from './policy.js';

const now = new Date('2026-01-02T03:04:05Z');
const contender = (trial: number, place: number) => ({ run_id: `run-${trial}`, trial, place, value: 1 });
const asha = { type: 'asha', min_steps: 10, eta: 2 } as const;
const state: PolicyState = {
  phase: 'running',
  stage: 'search',
  stop_reason: null,
  spec: { budget: {}, early_terminate: asha, ordered: false },
  max_concurrent_trials: 4,
  counts: { to_start: 0, resumed: 0, open: 0, held: 0, waiting: 0, finished: 0, failed: 0, cancelled: 0 },
  age_s: 0,
  device_s: 0,
  gate: null,
  rungs: [],
  to_plan: 0,
  planned: 0,
  is_next_ready: true,
  now,
};
const waiting = (trials: number): Partial<PolicyState> => ({
  counts: { ...state.counts, waiting: trials },
  rungs: [
    { rung: 1, reached: trials, contenders: Array.from({ length: trials }, (_, n) => contender(n, n + 1)) },
  ],
});

describe('decidePolicy', () => {
  it('lets the best go on while there is a place, and ends the rest when nothing comes any more', () => {
    expect(decidePolicy({ ...state, ...waiting(4) })).toMatchObject({
      kind: 'promote',
      promotions: [{ run_id: 'run-0' }, { run_id: 'run-1' }],
    });
    const rest = { ...state, ...waiting(1) };
    expect(decidePolicy(rest)).toMatchObject({ kind: 'end_idle', early_stop: 'rung' });
    for (const name of ['to_start', 'open', 'held'] as const) {
      const counts = { ...rest.counts, [name]: 1 };
      expect(decidePolicy({ ...rest, counts })).toEqual({ kind: 'none' });
    }
    const full = { ...state.counts, waiting: 4, open: 4 };
    expect(decidePolicy({ ...state, ...waiting(4), counts: full })).toEqual({ kind: 'none' });
  });

  it('stops starting when a budget is used up, and says which', () => {
    const budget = { wall_time: '1h', gpu_hours: 2 };
    const counts = { ...state.counts, open: 1 };
    const costly = { ...state, counts, spec: { ...state.spec, budget } };
    expect(decidePolicy(costly)).toEqual({ kind: 'none' });
    expect(decidePolicy({ ...costly, age_s: 3_600 })).toEqual({
      kind: 'stop',
      reason: 'budget: 1h have passed',
    });
    expect(decidePolicy({ ...costly, device_s: 7_200 })).toMatchObject({
      reason: 'budget: 2 h of device time are used',
    });
    const stopped = { ...state, ...waiting(4), stop_reason: 'stopped by ann' };
    expect(decidePolicy(stopped)).toMatchObject({ kind: 'end_idle', early_stop: 'stopped' });
  });

  it('opens a gate when all have come to it, and lets the timer pick', () => {
    const spec = { ...state.spec, gate: { after_rung: 1, wait: '48h' } };
    const gated = { ...state, ...waiting(5), spec };
    expect(decidePolicy(gated)).toEqual({ kind: 'open_gate', rung: 1, wait_s: 48 * 3_600 });
    const times = { opened_at: '2026-01-02T03:04:04Z', deadline: '2026-01-02T03:04:06Z' };
    const gate = { rung: 1, ...times, is_passed: false };
    expect(decidePolicy({ ...gated, gate })).toEqual({ kind: 'none' });
    expect(decidePolicy({ ...gated, gate: { ...gate, deadline: null } })).toEqual({ kind: 'none' });
    const late = { ...gate, deadline: '2026-01-02T03:04:05Z' };
    expect(decidePolicy({ ...gated, gate: late })).toMatchObject({ kind: 'pass_gate', trials: [0, 1] });
    const passed = { ...gate, is_passed: true };
    // Those who were not picked do not go on after it either.
    expect(decidePolicy({ ...gated, gate: passed })).toMatchObject({
      kind: 'end_idle',
    });
  });

  it('asks for as many trials as have a place, one by one where the order is to be kept', () => {
    const spec = { early_terminate: { type: 'none' }, ordered: false } as const;
    const search = {
      ...state,
      spec,
      to_plan: 9,
      planned: 3,
      counts: { ...state.counts, open: 1, to_start: 1 },
    };
    expect(decidePolicy(search)).toEqual({ kind: 'suggest', trial: 3, count: 2 });
    expect(decidePolicy({ ...search, to_plan: 1 })).toMatchObject({ count: 1 });
    expect(decidePolicy({ ...search, max_concurrent_trials: 2 })).toEqual({ kind: 'none' });
    expect(decidePolicy({ ...search, stop_reason: 'stopped by ann' })).toMatchObject({ kind: 'end_idle' });
    const ordered = { ...search, spec: { ...spec, ordered: true } };
    expect(decidePolicy(ordered)).toMatchObject({ kind: 'suggest', count: 1 });
    expect(decidePolicy({ ...ordered, is_next_ready: false })).toEqual({ kind: 'none' });
    // Those that wait at a rung may yet be beaten by one that is to come.
    const halving = { ...state, ...waiting(1), to_plan: 1, planned: 1 };
    expect(decidePolicy(halving)).toMatchObject({ kind: 'suggest' });
  });

  it('plans finalists once, after a search that ended by itself', () => {
    const finalists = { count: 2, seeds: [1, 2] };
    const over = { ...state, counts: { ...state.counts, finished: 3 }, spec: { ...state.spec, finalists } };
    expect(decidePolicy(over)).toEqual({ kind: 'plan_finalists', ...finalists });
    expect(decidePolicy({ ...over, stage: 'finalists' })).toEqual({ kind: 'none' });
    expect(decidePolicy({ ...over, stop_reason: 'stopped by ann' })).toEqual({ kind: 'none' });
    expect(decidePolicy({ ...over, counts: { ...state.counts, failed: 3 } })).toEqual({ kind: 'none' });
  });

  it('does nothing while paused or after the end, whatever the facts', () => {
    const few = fc.nat(5);
    const counts = fc.record({
      to_start: few,
      resumed: fc.constant(0),
      open: few,
      held: few,
      waiting: few,
      finished: few,
      failed: few,
      cancelled: few,
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...sweepPhases),
        counts,
        fc.option(fc.constant('x')),
        (phase, all, stop_reason) => {
          const action = decidePolicy({ ...state, ...waiting(all.waiting), phase, counts: all, stop_reason });
          if (phase !== 'running') expect(action.kind).toBe('none');
          // What is stopped starts nothing.
          if (stop_reason !== null) expect(['none', 'end_idle']).toContain(action.kind);
        },
      ),
    );
  });
});

describe('usedUp', () => {
  it('is never so without a budget', () => {
    expect(usedUp({}, { age_s: 1e12, device_s: 1e12 })).toBeUndefined();
  });
});
