import { afterAll, beforeAll, expect, it } from 'vitest';
import { newSample, openTestStore, type TestStore } from '../test-store.js';

let test: TestStore;
let runId: string;
const steps = 2_500;
const sampled = [50, 100, 150];

beforeAll(async () => {
  test = await openTestStore();
  runId = await test.newRun({ max_steps: steps });
  const hash = await test.blob('picture');
  const { epoch } = await test.store.runs.claim(runId, { chain: 0, segment: 0, attempt: 0 }, 'worker-0');
  const metrics = Array.from({ length: steps }, (_, index) => [
    { step: index + 1, name: 'eval_gain', value: index === 1_234 ? 9 : Math.sin(index) },
    { step: index + 1, name: 'train_loss', value: index === 777 ? -9 : 1 / (index + 1) },
  ]).flat();
  const samples = sampled.flatMap((step) =>
    [0, 1].map((position) => newSample(step, hash, { position, kind: 'progress' })),
  );
  await test.store.runs.recordProgress(runId, epoch, {
    metrics,
    samples: [...samples, newSample(150, hash, { kind: 'final' })],
    checkpoint: { step: steps, state_hash: hash, embedding_hash: hash },
  });
  // Nothing certifies it.
  await test.store.runs.recordProgress(runId, epoch, {
    metrics: [{ step: steps + 1, name: 'train_loss', value: 5 }],
  });
});
afterAll(() => test.close());

it('pages give every certified metric once, in order, whatever the size of a page', async () => {
  for (const limit of [999, 5_000]) {
    const seen: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await test.store.runs.metrics(runId, { cursor, limit });
      expect(page.items.length).toBeLessThanOrEqual(limit);
      seen.push(...page.items.map(({ step, name }) => `${step} ${name}`));
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
    expect(seen).toHaveLength(2 * steps);
    expect(new Set(seen).size).toBe(2 * steps);
    expect(seen.slice(0, 3)).toEqual(['1 eval_gain', '1 train_loss', '2 eval_gain']);
  }
  const wrong = { cursor: Buffer.from('["metrics",1e12,"x"]').toString('base64url') };
  expect(() => test.store.runs.metrics(runId, wrong)).toThrow('The cursor is not one of a page before');
});

it('curves have few points, the extremes and the last among them', async () => {
  const curves = await test.store.runs.curves(runId, 400);
  for (const [name, extreme] of [
    ['eval_gain', 9],
    ['train_loss', -9],
  ] as const) {
    const points = curves.filter((point) => point.name === name);
    expect(points.length).toBeLessThanOrEqual(401);
    expect(points.length).toBeGreaterThan(300);
    expect(points.map(({ value }) => value)).toContain(extreme);
    expect(points.at(-1)?.step).toBe(steps);
    expect(points.map(({ step }) => step)).toEqual(points.map(({ step }) => step).sort((a, b) => a - b));
  }
});

it('samples are paged, spread over steps, and the newest of each kind', async () => {
  const first = await test.store.runs.samples(runId, { limit: 4 });
  expect(first.items.map(({ step, position }) => [step, position])).toEqual([
    [50, 0],
    [50, 1],
    [100, 0],
    [100, 1],
  ]);
  const second = await test.store.runs.samples(runId, { limit: 4, cursor: first.next_cursor ?? '' });
  expect(second.items.map(({ step, kind }) => [step, kind])).toEqual([
    [150, 'final'],
    [150, 'progress'],
    [150, 'progress'],
  ]);
  expect(second.next_cursor).toBeNull();
  expect(await test.store.runs.sampledSteps(runId)).toEqual(sampled);
  const some = await test.store.runs.samplesAt(runId, [50]);
  expect(some.map(({ step, kind }) => [step, kind])).toEqual([
    [50, 'progress'],
    [50, 'progress'],
    [150, 'final'],
  ]);
  const newest = await test.store.runs.newestSamples([runId]);
  expect(newest.map(({ run_id, step, kind }) => [run_id, step, kind])).toEqual([
    [runId, 150, 'final'],
    [runId, 150, 'progress'],
    [runId, 150, 'progress'],
  ]);
});
