import {
  generationSchema,
  parse,
  runPageSchema,
  runSchema,
  sweepFileSchema,
  sweepSchema,
  trainingSpecSchema,
  workerSchema,
} from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { asAnswer } from './as-answer.js';

const time = '2026-01-02T03:04:05Z';
const failure = { code: 'run.diverged', message: 'not a number', next_step: 'x' };
const spec = trainingSpecSchema.parse({ placeholder_token: 'oktavo', initializer_token: 'fish' });
const run = {
  ...{ id: '7f3a91c2', name: 'oktavo', owner: 'ada', phase: 'failed', spec, dataset_id: '5f0c11aa' },
  ...{ sweep_id: '19c20d3e', trial: 3, parameters: { initializer: 'fish', norm: true, seed: 1 } },
  ...{ workflow_id: 'run/oktavo/7f3a91c2', step: 5, certified_step: 5, metrics: { eval_gain: 0.5 } },
  ...{ best: { step: 5, name: 'eval_loss', value: 0.1 }, rung: 0, target_step: 100, early_stop: 'plateau' },
  ...{ judgement: { judge: 'clip', concept: 'a car', baseline_word: 'car' }, wish: 'stop', priority: 3 },
  ...{
    device_s: 1.5,
    forked_from: { run_id: '7f3a91c3', step: 1 },
    restarts: { lost: 1 },
    worker_deaths: 0,
    failure,
  },
  ...{ embedding_id: 'eb000001', created_at: time, started_at: time, finished_at: time },
};
const file = sweepFileSchema.parse({
  name: 'octopus',
  dataset: '5f0c11aa',
  method: 'tpe',
  run_cap: 8,
  parameters: {
    seed: { value: 3 },
    learning_rate_t1: { distribution: 'log_uniform', min: 0.01, max: 0.5, when: { objective: ['joint'] } },
    objective: { values: ['joint', 'split'] },
    max_steps: { value: 800 },
    pair: { values: [{ placeholder: 'oktavo', initializer: 'fish' }] },
  },
  early_terminate: { type: 'asha', min_steps: 50 },
  budget: { wall_time: '2h' },
  finalists: { count: 1, seeds: [1, 2] },
  gate: { after_rung: 1, wait: '48h' },
});
const sweep = {
  ...{ id: '19c20d3e', name: 'octopus', owner: 'ada', phase: 'running', spec: file, trials: 8, priority: 3 },
  ...{ workflow_id: 'sweep/octopus/19c20d3e', counts: { failed: 1 }, best_run_id: '7f3a91c2', failure },
  ...{ max_concurrent_trials: 4, stop_reason: 'trials', device_s: 3, created_at: time, finished_at: time },
  notices: ['x'],
  gate: { rung: 1, opened_at: time, deadline: time, is_passed: false },
};
const hash = 'a'.repeat(64);
const generation = {
  ...{ id: '6e000001', owner: 'ada', phase: 'running', progress: 0.5, notices: ['x'], preview_hash: hash },
  request: generationSchema.shape.request.parse({
    task: 'fuse',
    items: [
      { text: 'a', weight: 1 },
      { image: hash, weight: 2 },
    ],
    prior_steps: '10,5',
  }),
  images: [{ position: 0, seed: 7, hash }],
  produced_by: { model_fingerprint: 'f', numeric_fingerprint: 'n', worker_version: '1' },
  ...{ failure, created_at: time, finished_at: time },
};
const worker = {
  ...{ name: 'worker-0', address: '127.0.0.1:7840', state: 'online', reason: 'x', slots: 4, running: 0 },
  device: { kind: 'cpu', name: 'x86_64', memory_bytes: 1, memory_used_bytes: 1, threads: 1 },
  models: [
    {
      ...{
        name: 'small',
        family: 'kandinsky-2.1',
        fingerprint: 'f',
        image_size: 64,
        towers: [
          { name: 't1', width: 64, vocabulary_rms: 1 },
          { name: 't2', width: 48 },
        ],
      },
      ...{ loaded: true, judge: '', dtype: 'float32', tasks: ['train'] },
      parts: [{ name: 'prior', loaded: true, size_bytes: 5 }],
      sampling: { num_steps: 50, guidance_scale: 4, prior_steps: '25', prior_guidance_scale: 4 },
    },
  ],
  ...{ generating: 0, steps_per_second: 0, last_seen_at: time },
};
const answers: [string, z.ZodType, object][] = [
  ['a run', runSchema, run],
  ['a sweep', sweepSchema, sweep],
  ['a generation', generationSchema, generation],
  ['a worker', workerSchema, worker],
  ['a page', runPageSchema, { items: [run], next_cursor: null }],
];

/** Whose keys are data: none of them is a field. */
const records = new Set(['parameters', 'metrics', 'restarts', 'counts', 'when']);

/** Adds a field to every object of an answer. */
function withMore(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => withMore(item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, withMore(inner, name)] as const);
  return { ...Object.fromEntries(entries), ...(records.has(key) ? {} : { added_later: { deep: [1] } }) };
}

describe('an answer', () => {
  it.each(answers)(
    'of another version, %s, is read without the fields that it has more',
    (_, schema, answer) => {
      // What the server of this version gives, to begin with.
      expect(parse(schema, answer, 'answer')).toEqual(answer);
      expect(parse(asAnswer(schema), answer, 'answer')).toEqual(answer);
      expect(parse(asAnswer(schema), withMore(answer), 'answer')).toEqual(answer);
    },
  );

  it.each(answers)(
    'that lacks a field that may be null, %s, is read as if it were null',
    (_, schema, answer) => {
      const optional = Object.keys(answer).filter(
        (key) => schema.safeParse({ ...answer, [key]: null }).success,
      );
      expect(optional.length).toBeGreaterThan(0);
      for (const key of optional) {
        const { [key]: _removed, ...others } = answer as Record<string, unknown>;
        expect(parse(asAnswer(schema), others, 'answer')).toEqual({ ...answer, [key]: null });
      }
    },
  );

  it('that lacks a key of a spec is read with its default', () => {
    const { ema_decay, samples, ...others } = spec;
    const { final_seed, ...fewer } = samples;
    const read = parse(asAnswer(runSchema), { ...run, spec: { ...others, samples: fewer } }, 'answer');
    expect(read.spec).toEqual({ ...others, ema_decay, samples: { ...fewer, final_seed } });
    const without = parse(asAnswer(runSchema), { ...run, spec: others }, 'answer');
    expect(without.spec.samples).toEqual(samples);
  });

  it('with words, kinds and limits of a newer server is read', () => {
    const changed = { ...run, phase: 'archived', early_stop: 'budget', spec: { ...spec, batch_size: 1000 } };
    expect(parse(asAnswer(runSchema), changed, 'answer')).toEqual(changed);
    const parameters = { ...file.parameters, seed: { distribution: 'normal', mean: 0 } };
    const newer = {
      ...sweep,
      spec: { ...file, parameters, early_terminate: { type: 'hyperband', bands: 3 } },
    };
    expect(parse(asAnswer(sweepSchema), newer, 'answer')).toEqual(newer);
  });

  it('keeps the order of a sweep file', () => {
    const { spec: read } = parse(asAnswer(sweepSchema), withMore(sweep), 'answer');
    expect(Object.keys(read.parameters)).toEqual(Object.keys(file.parameters));
  });

  it('that is none is refused', () => {
    for (const wrong of [{}, { ...run, step: 'five' }, { ...run, spec: null }, { ...run, metrics: [1] }]) {
      expect(() => parse(asAnswer(runSchema), wrong, 'answer')).toThrow(/^answer: /);
    }
  });
});
