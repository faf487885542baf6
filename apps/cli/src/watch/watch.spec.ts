import pico from 'picocolors';
import { describe, expect, it } from 'vitest';
import { visibleWidth } from '../output/text.js';
import { aRun, aSweep, aTrial } from '../testing/fixtures.js';
import { StepRate } from './rate.js';
import { runLine, runLines } from './run-view.js';
import { WatchState } from './state.js';
import { sweepLine, sweepLines } from './sweep-view.js';

const plain = pico.createColors(false);
const size = { columns: 120, rows: 24 };

describe('StepRate', () => {
  it('knows nothing before two steps', () => {
    const rate = new StepRate();
    rate.observe(3, 0);
    rate.observe(3, 1000);
    expect(rate.perSecond()).toBeUndefined();
  });
  it('measures over its window and starts again when a run goes back', () => {
    const rate = new StepRate(10_000);
    rate.observe(0, 0);
    rate.observe(20, 10_000);
    expect(rate.perSecond()).toBe(2);
    expect(rate.remainingSeconds(100)).toBe(40);
    rate.observe(60, 20_000);
    expect(rate.perSecond()).toBe(4);
    rate.observe(10, 21_000);
    expect(rate.perSecond()).toBeUndefined();
    rate.observe(11, 22_000);
    expect(rate.perSecond()).toBe(1);
  });
});

function watched(): WatchState {
  const state = new WatchState();
  state.apply({ kind: 'sweep', sweep: aSweep({ trials: 3, counts: { running: 1, queued: 1 } }) }, 0);
  state.apply({ kind: 'run', run: aTrial(1, { phase: 'queued' }) }, 0);
  state.apply({ kind: 'run', run: aTrial(0, { step: 10 }) }, 0);
  state.apply({ kind: 'run', run: aTrial(0, { step: 50, metrics: { eval_gain: 0.25 } }) }, 10_000);
  return state;
}

describe('live view of a sweep', () => {
  it('has a row per trial, in order, with what differs between them', () => {
    expect(sweepLines(watched(), size, plain)).toEqual([
      'sweep octopus 19c20d3e  ·  1 running, 1 queued, 1 to come  ·  about 1 min 03 s left',
      '00 initializer=fish  ▶ ████████████░░░░░░░░░░░░   50/100  eval_gain +0.250   4.0 steps/s  13 s left',
      '01 initializer=cat   · ░░░░░░░░░░░░░░░░░░░░░░░░    0/100  eval_gain –        queued',
      'best so far: trial 0 with eval_gain +0.250',
    ]);
  });
  it('fits a small terminal: what runs stays', () => {
    const lines = sweepLines(watched(), { columns: 60, rows: 4 }, plain);
    expect(lines).toHaveLength(4);
    expect(lines[1]).toContain('initializer=fish');
    expect(lines[2]).toBe('… and 1 more');
  });
  it('keeps its columns where colours are used', () => {
    const coloured = sweepLines(watched(), size, pico.createColors(true));
    expect(coloured.map(visibleWidth)).toEqual(sweepLines(watched(), size, plain).map(visibleWidth));
  });
  it('says in a row why a trial failed', () => {
    const state = watched();
    const failure = { code: 'run.diverged', message: 'train_loss is not a number at step 7', next_step: '' };
    state.apply({ kind: 'run', run: aTrial(1, { phase: 'failed', failure }) }, 11_000);
    expect(sweepLines(state, size, plain)[2]).toContain('✗');
    expect(sweepLines(state, { ...size, columns: 200 }, plain)[2]).toContain(
      'failed  train_loss is not a number',
    );
  });
  it('fits one line of a log', () => {
    expect(sweepLine(watched())).toBe(
      '3 trials: 1 running, 1 queued, 1 to come, best eval_gain +0.250 (trial 0), about 1 min 03 s left',
    );
    expect(sweepLine(new WatchState())).toBe('waiting for the first news of the sweep');
  });
});

describe('watching thousands of trials', () => {
  it("keeps those that run, the best and some that have ended; counts are the sweep's", () => {
    const state = new WatchState();
    const counts = { finished: 3_000, running: 2, queued: 6_998 };
    state.apply({ kind: 'sweep', sweep: aSweep({ trials: 10_000, counts, best_run_id: 'r0' }) }, 0);
    for (let trial = 0; trial < 3_000; trial += 1) {
      state.apply(
        { kind: 'run', run: aTrial(1, { id: `r${trial}`, trial, phase: 'finished', step: 100 }) },
        0,
      );
    }
    state.apply({ kind: 'run', run: aTrial(1, { id: 'r9000', trial: 9_000, step: 10 }) }, 0);
    expect(state.runs().length).toBeLessThan(300);
    expect(state.run('r0')).toBeDefined();
    expect(state.run('r9000')?.phase).toBe('running');
    expect(sweepLine(state)).toContain('10000 trials: 3000 finished, 2 running, 6998 queued');
    expect(sweepLines(state, size, plain).at(-1)).toMatch(/^… and 99\d\d more$/);
  });

  it('takes the end of a trial from its event', () => {
    const state = new WatchState();
    state.apply({ kind: 'run', run: aTrial(0, { step: 10 }) }, 0);
    const about = {
      sweep_id: 's',
      generation_id: null,
      created_at: '2026-01-01T00:00:00Z',
      run_id: '00000000',
    };
    state.apply(
      { kind: 'event', event: { ...about, id: '1', kind: 'phase', data: { phase: 'running' } } },
      0,
    );
    expect(state.run('00000000')?.phase).toBe('running');
    state.apply({ kind: 'event', event: { ...about, id: '2', kind: 'phase', data: { phase: 'failed' } } }, 0);
    expect(state.run('00000000')?.phase).toBe('failed');
  });
});

describe('live view of a run', () => {
  it('shows progress, metrics and restarts', () => {
    const state = new WatchState();
    const run = aRun({ step: 20, metrics: { train_loss: 0.5 }, restarts: { lost: 2 } });
    state.apply({ kind: 'run', run: aRun({ step: 10 }) }, 0);
    state.apply({ kind: 'run', run }, 5000);
    expect(runLines(state, run.id, { columns: 80, rows: 24 }, plain)).toEqual([
      'run oktavo-fish 7f3a91c2  oktavo from fish',
      '▶ ███▋░░░░░░░░░░░░░░   20/100  eval_gain –        2.0 steps/s  40 s left',
      'train_loss 0.500',
      'taken up again 2 times',
    ]);
    expect(runLine(state, run.id, plain)).toBe('step 20/100, 2.0 steps/s');
  });
});
