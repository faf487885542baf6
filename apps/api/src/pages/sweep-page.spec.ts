import { type Finalist, runSchema, type Run, sweepFileSchema, trainingSpecSchema } from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import { finalistTable } from './finalist-table.js';
import { importanceList } from './importance-list.js';
import { pickForm } from './pick-form.js';

const spec = trainingSpecSchema.parse({ placeholder_token: 'sapsan', initializer_token: 'train' });
const file = sweepFileSchema.parse({
  name: 'pairs',
  dataset: '00000000',
  parameters: { pair: { values: [{ placeholder: 'sapsan', initializer: 'train' }] } },
});
const time = '2026-11-27T07:00:00.000Z';

const trialOf = (trial: number, given: Partial<Run> = {}): Run =>
  runSchema.parse({
    id: `0000000${trial}`,
    name: `pairs-0${trial}`,
    owner: 'ada',
    phase: 'waiting',
    spec,
    dataset_id: '00000000',
    sweep_id: 'aaaaaaaa',
    trial,
    parameters: { learning_rate_t1: trial / 10 },
    workflow_id: `sweep/pairs/aaaaaaaa/trial-0${trial}`,
    step: 150,
    certified_step: 150,
    metrics: { eval_gain: 0.5 },
    best: null,
    judgement: null,
    rung: 1,
    target_step: 150,
    early_stop: null,
    wish: null,
    priority: 3,
    device_s: 0,
    forked_from: null,
    restarts: {},
    worker_deaths: 0,
    embedding_id: null,
    failure: null,
    created_at: time,
    started_at: time,
    finished_at: null,
    ...given,
  });

const text = (markup: unknown): string =>
  String(markup)
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

describe("a sweep's page", () => {
  const runs = [1, 2, 3].map((trial) => trialOf(trial));
  const trials = [1, 2, 3].map((trial) => ({ trial, run_id: `0000000${trial}` }));

  it('tells what of a finalist was the trial and what was the seed', () => {
    const finalist = (values: readonly (number | null)[], mean: number | null): Finalist => ({
      trial: 1,
      mean,
      repetitions: values.map((value, index) => ({ trial: index + 2, seed: index + 7, value })),
    });
    const shown = text(finalistTable([finalist([0.5, 0.7], 0.6)], 'eval_gain', trials));
    expect(shown).toContain(
      'mean eval gain standard deviation on each seed trial 1 0.6 0.141 seed 7 0.5 seed 8 0.7',
    );
    const half = finalistTable([finalist([0.5, null], null)], 'eval_gain', trials);
    expect(text(half)).toContain('trial 1 – – seed 7 0.5 seed 8 –');
    expect(String(half)).toContain('href="/runs/00000002"');
  });

  it('tells what matters, or why it cannot', () => {
    const shares = { learning_rate_t1: 0.8, pair: 0.2 };
    const list = importanceList({ kind: 'shares', shares });
    expect(text(list)).toMatch(/learning rate t1 80 % pair 20 %/);
    expect(String(list)).toContain('value="0.8"');
    expect(text(importanceList({ kind: 'few', finished: 3, needed: 10 }))).toContain(
      '3 of the 10 finished trials',
    );
    expect(text(importanceList({ kind: 'away' }))).toContain('The advisor does not answer');
  });

  it('lets somebody pick among those that wait at the gate, and only while it waits', () => {
    const gate = { rung: 1, opened_at: time, deadline: time, is_passed: false };
    const sweep = { id: 'aaaaaaaa', gate, counts: { waiting: 3 }, spec: file };
    const form = String(pickForm(sweep, runs, 'grace'));
    expect([...form.matchAll(/type="checkbox"[^>]* value="(\d)"/g)].map(([, trial]) => trial)).toEqual([
      '1',
      '2',
      '3',
    ]);
    expect(form).toContain('data-post="/v1/sweeps/aaaaaaaa/winners"');
    expect(form).toContain('name="why"');
    expect(text(form)).toContain('Pick as grace');
    expect(text(form)).not.toContain('still on their way');
    expect(text(form)).not.toContain('more wait');
    const larger = text(pickForm({ ...sweep, counts: { waiting: 900, running: 1 } }, runs, 'grace'));
    expect(larger).toContain('still on their way');
    expect(larger).toContain('The best 3; 897 more wait: murnau sweep pick aaaaaaaa TRIAL');
    expect(pickForm({ ...sweep, gate: { ...gate, is_passed: true } }, runs, 'grace')).toBeNull();
    expect(pickForm({ ...sweep, gate: null }, runs, 'grace')).toBeNull();
  });
});
