import type { TrainingSpecInput } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestStore, type TestStore } from '../test-store.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

/** A run with checkpoints at steps 1, 2, … of these gains. */
async function trainedRun(gains: readonly number[], spec: Partial<TrainingSpecInput> = {}) {
  const id = await test.newRun(spec);
  const { epoch } = await test.store.runs.claim(id, { chain: 0, segment: 0, attempt: 1 }, 'worker-0');
  const record = async (step: number, gain: number, also: Record<string, number> = {}) => {
    const values = Object.entries({ eval_gain: gain, ...also });
    await test.store.runs.recordProgress(id, epoch, {
      metrics: values.map(([name, value]) => ({ step, name, value })),
      checkpoint: {
        step,
        state_hash: await test.blob(`state of ${id} at ${step}`),
        embedding_hash: await test.blob(`embedding of ${id} at ${step}`),
      },
    });
  };
  for (const [index, gain] of gains.entries()) await record(index + 1, gain);
  return { id, epoch, record };
}

const stepsOf = async (id: string) => (await test.store.runs.checkpoints(id)).map(({ step }) => step);

describe('checkpoint.keep', () => {
  it('all: keeps every one, and their files', async () => {
    const { id } = await trainedRun([0.1, 0.5, 0.3], { checkpoint: { keep: 'all' } });
    await test.store.blobs.collectGarbage(0);
    expect(await stepsOf(id)).toEqual([1, 2, 3]);
    const hashes = (await test.store.runs.checkpoints(id)).map(({ state_hash }) => state_hash);
    expect((await test.store.blobs.has(hashes)).size).toBe(3);
  });

  it('best+latest: what is superseded goes, its files with the next collection, and the run still resumes', async () => {
    const { id, epoch } = await trainedRun([0.1, 0.5, 0.3, 0.2]);
    await test.store.blobs.collectGarbage(0);
    expect(await stepsOf(id)).toEqual([2, 4]);
    const [gone, left] = [await goneState(id, 1), await goneState(id, 4)];
    expect([gone, left]).toEqual([true, false]);
    const claim = await test.store.runs.claim(id, { chain: 0, segment: 0, attempt: 2 }, 'worker-1');
    expect(claim).toMatchObject({ epoch: epoch + 1, resume: { step: 4 } });
    expect(await test.store.blobs.get(claim.resume?.state_hash ?? '')).toBeDefined();
  });

  it('best+latest: those at rungs stay', async () => {
    const { id, record } = await trainedRun([0.5, 0.1]);
    const sweep = await test.query<{ id: string }>(
      `insert into sweeps (id, name, owner, phase, spec, workflow_id, max_concurrent_trials)
       values ('5a5a0001', 's', 'ann', 'running', '{}', 'sweep/s/5a5a0001', 1) returning id`,
    );
    await test.query(
      `insert into rung_results (sweep_id, rung, run_id, trial, step, merit) values ($1, 1, $2, 0, 2, 0.1)`,
      [sweep[0]?.id, id],
    );
    await record(3, 0.2);
    await record(4, 0.2);
    expect(await stepsOf(id)).toEqual([1, 2, 4]);
  });

  const goneState = async (id: string, step: number) => {
    const name = Buffer.from(`state of ${id} at ${step}`);
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256').update(name).digest('hex');
    return !(await test.store.blobs.has([hash])).has(hash);
  };
});

describe('a fork', () => {
  it('from a step that is gone says which are there', async () => {
    const { id } = await trainedRun([0.5, 0.1, 0.2]);
    await expect(test.store.runs.fork(id, { owner: 'ann', from_step: 2 })).rejects.toMatchObject({
      code: 'edit.not_possible',
      message: expect.stringContaining('no checkpoint of step 2 any more') as string,
      allowed: expect.stringMatching(/^one of 1, 3 .*keep=all/) as string,
    });
    await expect(test.store.runs.fork(id, { owner: 'ann', from_step: 9 })).rejects.toMatchObject({
      message: expect.stringContaining('has not come to step 9') as string,
    });
  });

  it('of a run that failed begins with its last good checkpoint, which stays to be read', async () => {
    const { id } = await trainedRun([0.1, 0.2]);
    const failure = { code: 'run.diverged', message: 'no number any more at step 3', next_step: 'lower it' };
    await test.store.runs.end(id, { phase: 'failed', failure });
    await test.store.blobs.collectGarbage(0);
    const [checkpoint] = await test.store.runs.checkpoints(id);
    expect(checkpoint?.step).toBe(2);
    expect((await test.store.blobs.get(checkpoint?.embedding_hash ?? '')).toString()).toContain('at 2');
    const fork = await test.store.runs.fork(id, { owner: 'ann' });
    expect(fork).toMatchObject({ phase: 'queued', certified_step: 2, forked_from: { run_id: id, step: 2 } });
  });

  it('from where a loss came to rest needs another rule, or it would end at once', async () => {
    const { id, record } = await trainedRun([0.1], { stop_when: { plateau: true } });
    await record(2, 0.2, { plateau: 1 });
    await expect(test.store.runs.fork(id, { owner: 'ann' })).rejects.toMatchObject({
      code: 'edit.not_possible',
      field: 'stop_when.plateau',
    });
    const changes = { stop_when: { plateau: false } };
    const fork = await test.store.runs.fork(id, { owner: 'ann', changes });
    expect(fork.spec.stop_when.plateau).toBe(false);
  });
});

describe('collecting while runs write', () => {
  it('never takes what was just written, though the same bytes lay about unreferenced for long', async () => {
    const { id, epoch } = await trainedRun([]);
    const graceMs = 2_000;
    const names = Array.from({ length: 40 }, (_, index) => `contended checkpoint ${index}`);
    await Promise.all(names.map((name) => test.blob(name)));
    await test.query(`update blobs set stored_at = now() - interval '1 day'`);
    let isWriting = true;
    const collecting = (async () => {
      let removed = 0;
      while (isWriting) removed += (await test.store.blobs.collectGarbage(graceMs)).removed;
      return removed;
    })();
    for (const [index, name] of names.entries()) {
      const hash = await test.blob(name);
      const checkpoint = { step: index + 1, state_hash: hash, embedding_hash: hash };
      await test.store.runs.recordProgress(id, epoch, { checkpoint });
      expect((await test.store.blobs.get(hash)).toString()).toBe(name);
    }
    isWriting = false;
    expect(await collecting).toBeGreaterThan(0);
  });

  it('keeps the masks of pictures', async () => {
    const [picture, mask] = [await test.blob('a picture'), await test.blob('the mask beside it')];
    const id = await test.newDataset();
    await test.query('update dataset_images set hash = $1, mask_hash = $2 where dataset_id = $3', [
      picture,
      mask,
      id,
    ]);
    await test.store.blobs.collectGarbage(0);
    expect(await test.store.blobs.has([picture, mask])).toEqual(new Set([picture, mask]));
  });
});
