import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestStore, type TestStore } from '../test-store.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const checkpoint = async (step: number) => {
  const hash = await test.blob(`state ${step}`);
  return { checkpoint: { step, state_hash: hash, embedding_hash: hash } };
};

/** A run that is claimed again and again. */
async function claimed() {
  const id = await test.newRun();
  let attempt = 0;
  const claim = async (): Promise<number> => {
    attempt += 1;
    return (await test.store.runs.claim(id, { chain: 0, segment: 0, attempt }, 'worker')).epoch;
  };
  const die = async (epoch: number): Promise<number> => {
    const cause = 'worker_died';
    return (await test.store.runs.countRestart(id, epoch, cause, { counted: false, died: true })).deaths;
  };
  return { id, claim, die };
}

describe('deaths of a worker under a run', () => {
  it('are counted in a row, once for each claim, with the restart itself', async () => {
    const { id, claim, die } = await claimed();
    for (const deaths of [1, 2, 3]) {
      const epoch = await claim();
      expect([await die(epoch), await die(epoch)]).toEqual([deaths, deaths]);
    }
    const epoch = await claim();
    await test.store.runs.countRestart(id, epoch, 'worker', { counted: false });
    expect(await test.store.runs.get(id)).toMatchObject({
      worker_deaths: 3,
      restarts: { worker_died: 3, worker: 1 },
    });
    const events = (await test.store.events.list({ runId: id })).map(({ kind }) => kind);
    expect(events.filter((kind) => kind === 'alone')).toHaveLength(1);
  });

  it('are forgotten with a newly certified step, and not with one that nothing was trained for', async () => {
    const { id, claim, die } = await claimed();
    expect(await die(await claim())).toBe(1);
    for (const deaths of [2, 3]) {
      const epoch = await claim();
      await test.store.runs.recordProgress(id, epoch, await checkpoint(0));
      expect(await die(epoch)).toBe(deaths);
    }
    const epoch = await claim();
    await test.store.runs.recordProgress(id, epoch, await checkpoint(5));
    expect((await test.store.runs.get(id)).worker_deaths).toBe(0);
    expect(await die(epoch)).toBe(1);
    const again = await claim();
    await test.store.runs.recordProgress(id, again, await checkpoint(5));
    expect(await die(again)).toBe(2);
  });
});

describe('deaths of a worker under a generation', () => {
  it('are forgotten with a new picture, and not with one that was there', async () => {
    const { generations } = test.store;
    const request = { task: 'text2img', model: 'm', prompt: 'a', count: 2, seed: 1 } as never;
    const { id } = await generations.create({ owner: 'ann', request });
    const image = { position: 0, seed: 1, hash: await test.blob('a picture') };
    await generations.recordImage(id, image);
    expect([await generations.countWorkerDeath(id), await generations.countWorkerDeath(id)]).toEqual([1, 2]);
    await generations.recordImage(id, image);
    expect(await generations.workerDeaths(id)).toBe(2);
    await generations.recordImage(id, { ...image, position: 1 });
    expect(await generations.workerDeaths(id)).toBe(0);
  });
});
