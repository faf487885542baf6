import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSample, openTestStore, type TestStore } from '../test-store.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const first = { chain: 0, segment: 0, attempt: 1 };

describe('claim', () => {
  it('gives a segment all it needs, and takes the next epoch', async () => {
    const id = await test.newRun({ max_steps: 50 });
    const claim = await test.store.runs.claim(id, first, 'worker-0');
    expect(claim).toMatchObject({
      run_id: id,
      epoch: 1,
      resume: null,
      acknowledged_step: 0,
      phase_before: 'queued',
      owner: 'ann',
    });
    expect(claim.spec.max_steps).toBe(50);
    const hash = await test.blob('picture');
    expect(claim.images).toEqual([{ hash, name: '1.png', mask_hash: null, caption: null }]);
    const run = await test.store.runs.get(id);
    expect(run.phase).toBe('running');
    expect(run.started_at).not.toBeNull();
  });

  it.each([
    [{ chain: 1, segment: 4, attempt: 2 }, 'the same claim'],
    [{ chain: 1, segment: 4, attempt: 1 }, 'an earlier attempt'],
    [{ chain: 1, segment: 3, attempt: 9 }, 'an earlier segment'],
    [{ chain: 0, segment: 9, attempt: 9 }, 'an earlier chain'],
  ])('refuses %o: %s', async (lower) => {
    const id = await test.newRun();
    await test.store.runs.claim(id, { chain: 1, segment: 4, attempt: 2 }, 'worker-0');
    await expect(test.store.runs.claim(id, lower, 'worker-1')).rejects.toMatchObject({ code: 'claim.stale' });
    expect((await test.store.runs.details(id)).epoch).toBe(1);
  });

  it('lets exactly one of equal rivals win, whatever their number', async () => {
    const id = await test.newRun();
    const rivals = await Promise.allSettled(
      Array.from({ length: 12 }, () => test.store.runs.claim(id, first, 'worker')),
    );
    expect(rivals.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('resumes from the newest checkpoint and deletes what came after it', async () => {
    const id = await test.newRun();
    const { epoch } = await test.store.runs.claim(id, first, 'worker-0');
    const [state, picture] = [await test.blob('state 2'), await test.blob('picture 2')];
    await test.store.runs.recordProgress(id, epoch, {
      metrics: [0, 1, 2].map((step) => ({ step, name: 'train_loss', value: step })),
      samples: [newSample(2, picture)],
      checkpoint: { step: 2, state_hash: state, embedding_hash: state },
    });
    await test.store.runs.recordProgress(id, epoch, {
      metrics: [{ step: 3, name: 'train_loss', value: 3 }],
      samples: [newSample(3, picture)],
      events: [
        { kind: 'log', step: 3, data: { message: 'undone' } },
        { kind: 'log', data: { message: 'kept' } },
      ],
    });
    expect((await test.store.runs.metrics(id)).items.map(({ step }) => step)).toEqual([0, 1, 2]);

    const claim = await test.store.runs.claim(id, { ...first, attempt: 2 }, 'worker-1');
    expect(claim.resume).toEqual({ step: 2, state_hash: state });
    const [counts] = await test.query(
      'select (select count(*)::int from metrics where run_id = $1) metrics, (select count(*)::int from samples where run_id = $1) samples',
      [id],
    );
    expect(counts).toEqual({ metrics: 3, samples: 1 });
    const events = await test.store.events.list({ runId: id });
    expect(events.filter(({ kind }) => kind === 'log').map(({ data }) => data['message'])).toEqual(['kept']);
    expect(await test.store.runs.get(id)).toMatchObject({ step: 2, certified_step: 2 });
  });

  it('without a checkpoint begins anew, step 0 included', async () => {
    const id = await test.newRun();
    const { epoch } = await test.store.runs.claim(id, first, 'worker-0');
    await test.store.runs.recordProgress(id, epoch, { metrics: [{ step: 0, name: 'eval_loss', value: 1 }] });
    expect((await test.store.runs.metrics(id)).items).toEqual([]);
    await test.store.runs.claim(id, { ...first, attempt: 2 }, 'worker-0');
    expect(await test.query('select 1 from metrics where run_id = $1', [id])).toEqual([]);
  });

  it('puts down an attempt that vanished as lost, once, and not where a cause was given or the segment went well', async () => {
    const id = await test.newRun();
    await test.store.runs.claim(id, first, 'worker-0');
    const second = await test.store.runs.claim(id, { ...first, attempt: 2 }, 'worker-1');
    expect((await test.store.runs.get(id)).restarts).toEqual({ lost: 1 });
    await test.store.runs.countRestart(id, second.epoch, 'out_of_memory', { counted: true });
    await test.store.runs.claim(id, { ...first, attempt: 3 }, 'worker-1');
    await test.store.runs.claim(id, { chain: 0, segment: 1, attempt: 1 }, 'worker-1');
    expect((await test.store.runs.get(id)).restarts).toEqual({ lost: 1, out_of_memory: 1 });
  });

  it('is refused on an ended run and an unknown one', async () => {
    const id = await test.newRun();
    await test.store.runs.end(id, { phase: 'cancelled' });
    await expect(test.store.runs.claim(id, first, 'worker')).rejects.toMatchObject({
      code: 'run.already_ended',
    });
    await expect(test.store.runs.claim('00000000', first, 'worker')).rejects.toMatchObject({
      code: 'run.not_found',
    });
  });
});

describe('every write', () => {
  it('is fenced by a newer claim', async () => {
    const id = await test.newRun();
    const old = await test.store.runs.claim(id, first, 'worker-0');
    await test.store.runs.claim(id, { ...first, attempt: 2 }, 'worker-1');
    const { runs } = test.store;
    const started = { fingerprint: 'f', model_fingerprint: 'm', step: 0, loading_s: 1 };
    const fenced = { code: 'claim.fenced' };
    await expect(
      runs.recordProgress(id, old.epoch, { metrics: [{ step: 1, name: 'x', value: 1 }] }),
    ).rejects.toMatchObject(fenced);
    await expect(runs.recordStarted(id, old.epoch, started)).rejects.toMatchObject(fenced);
    await expect(runs.countRestart(id, old.epoch, 'out_of_memory', { counted: true })).rejects.toMatchObject(
      fenced,
    );
    await expect(runs.finish(id, old.epoch)).rejects.toMatchObject(fenced);
    await expect(runs.end(id, { phase: 'failed' }, old.epoch)).rejects.toMatchObject(fenced);
  });

  it('is fenced by a pause and by the end', async () => {
    const id = await test.newRun();
    const { epoch } = await test.store.runs.claim(id, first, 'worker-0');
    await test.store.runs.setPhase(id, 'paused');
    await expect(test.store.runs.recordProgress(id, epoch, { step: 1 })).rejects.toMatchObject({
      code: 'claim.fenced',
    });
    const again = await test.store.runs.claim(id, { chain: 0, segment: 1, attempt: 1 }, 'worker-0');
    expect(again.phase_before).toBe('paused');
    await test.store.runs.end(id, { phase: 'cancelled' });
    await expect(test.store.runs.recordProgress(id, again.epoch, { step: 1 })).rejects.toMatchObject({
      code: 'claim.fenced',
    });
  });
});
