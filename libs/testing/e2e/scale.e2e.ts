import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { repository } from '../src/index.js';

interface ScaleFigures {
  readonly ended_exactly_once: number;
  readonly ms_per_trial_by_tenth: readonly number[];
  readonly processor_ms_per_trial: Readonly<Record<string, number>>;
  readonly sweep: Histories;
  readonly trial: Histories;
  readonly peak_memory_mb: Readonly<Record<string, number | readonly number[]>>;
  readonly most_database_connections: number;
  readonly watch_ok: boolean;
  readonly addresses: Readonly<Record<string, { readonly kind: string }>>;
}

interface Histories {
  readonly workflow_runs: number;
  readonly largest_history: number;
}

const [trials, workers, dispatchers] = [60, 20, 2];

it('the benchmark of scale runs every trial to its end once, within bounded histories', async () => {
  const figures = await new Promise<ScaleFigures>((resolve, reject) => {
    const program = join(repository, 'tools/bench/scale.mjs');
    const options = { trials, workers, dispatchers };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) => {
      const last = stdout.trim().split('\n').at(-1) ?? '';
      if (last === '') reject(new Error(stderr, { cause: error }));
      else resolve(JSON.parse(last) as ScaleFigures);
    });
  });
  expect(figures).toMatchObject({ trials, workers, dispatchers, phase: 'finished', finished: trials });
  expect(figures.ended_exactly_once).toBe(trials);
  expect(figures.ms_per_trial_by_tenth).toHaveLength(10);
  const { sweep, trial } = figures;
  expect(sweep.workflow_runs).toBeGreaterThanOrEqual(1);
  // A handful of events a trial: what a run of ten thousand is bounded by is where it continues as new.
  expect(sweep.largest_history).toBeGreaterThan(trials);
  expect(sweep.largest_history).toBeLessThan(40 * trials);
  // One workflow each: no trial was started twice.
  expect(trial.workflow_runs).toBe(trials);
  expect(trial.largest_history).toBeLessThan(100);
  for (const part of ['postgres', 'temporal', 'orchestrator', 'dispatchers', 'simulated_worker']) {
    expect(figures.processor_ms_per_trial[part], part).toBeGreaterThan(0);
    for (const megabytes of [figures.peak_memory_mb[part] ?? []].flat()) {
      expect(megabytes, part).toBeGreaterThan(0);
    }
  }
  expect(figures.watch_ok).toBe(true);
  const kinds = Object.values(figures.addresses).map(({ kind }) => kind);
  expect(new Set(kinds)).toEqual(new Set(['list', 'page', 'sheet', 'other']));
  // Each process of the product holds ten at most: api, orchestrator, two dispatchers, and the benchmark's own.
  expect(figures.most_database_connections).toBeLessThanOrEqual(60);
});
