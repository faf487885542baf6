import { describe, expect, it } from 'vitest';
import {
  endedPhases,
  generationPhases,
  generationPhasesWithWorkflow,
  hasWorkflow,
  isEnded,
  isOpen,
  runPhases,
  runPhasesWithWorkflow,
  settledPhase,
  sweepPhases,
  sweepPhasesWithWorkflow,
} from './lifecycle.js';
import type { TrialCounts } from './lifecycle.js';

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

describe('phases', () => {
  it('are open until the same three ends', () => {
    for (const phases of [runPhases, sweepPhases, generationPhases]) {
      expect(phases.filter(isEnded)).toEqual(endedPhases);
      expect(phases.filter(isOpen)).toEqual(phases.slice(0, -endedPhases.length));
    }
  });

  it('have a workflow while they are open, but for a run at a rung', () => {
    expect(runPhasesWithWorkflow).toEqual(runPhases.filter((phase) => isOpen(phase) && phase !== 'waiting'));
    expect(runPhases.filter(hasWorkflow)).toEqual(runPhasesWithWorkflow);
    expect(sweepPhasesWithWorkflow).toEqual(sweepPhases.filter(isOpen));
    expect(generationPhasesWithWorkflow).toEqual(generationPhases.filter(isOpen));
  });
});

describe('settledPhase', () => {
  it('has failed only if nothing came of it, and goes on while anything is open', () => {
    expect(settledPhase({ ...none, failed: 1, finished: 1 })).toBe('finished');
    expect(settledPhase({ ...none, failed: 1, cancelled: 1 })).toBe('failed');
    expect(settledPhase({ ...none, cancelled: 1 })).toBe('cancelled');
    for (const name of ['to_start', 'open', 'held', 'waiting'] as const) {
      expect(settledPhase({ ...none, finished: 1, [name]: 1 })).toBeUndefined();
    }
  });
});
