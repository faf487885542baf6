import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createStore } from './create-store.js';
import { startPrivateTestPostgres, type TestPostgres } from './postgres/test-postgres.js';
import { openTestStore, type TestStore } from './test-store.js';

let server: TestPostgres;
let test: TestStore;
beforeAll(async () => {
  server = await startPrivateTestPostgres();
  test = await openTestStore(server.databaseUrl);
});
afterAll(async () => {
  await test.close();
  await server.stop();
});

describe('a database that is killed and comes back', () => {
  it('loses and doubles nothing: writers wait, listeners go on', async () => {
    const id = await test.newRun();
    const seen: number[] = [];
    const stop = await test.store.events.subscribe(
      { runId: id },
      ({ kind, data }) => void (kind === 'log' && seen.push(Number(data['step']))),
    );
    const { epoch } = await test.store.runs.claim(id, { chain: 0, segment: 0, attempt: 1 }, 'worker');
    const state = await test.blob('state');

    const last = 80;
    const write = async () => {
      for (let step = 1; step <= last; step += 1) {
        await test.store.runs.recordProgress(id, epoch, {
          metrics: [{ step, name: 'train_loss', value: 1 / step }],
          events: [{ kind: 'log', step }],
          checkpoint: { step, state_hash: state, embedding_hash: state },
        });
      }
    };
    const crash = async () => {
      for (let crashes = 0; crashes < 3; crashes += 1) {
        await sleep(120);
        await server.kill9();
        await sleep(150);
        await server.restart();
      }
    };
    await Promise.all([write(), crash()]);

    const wanted = Array.from({ length: last }, (_, index) => index + 1);
    expect((await test.store.runs.metrics(id)).items.map(({ step }) => step)).toEqual(wanted);
    await vi.waitFor(() => expect(seen).toEqual(wanted), { timeout: 10_000 });
    stop();
  });

  it('makes one run of a creation that was under way', async () => {
    const dataset = await test.newDataset();
    const run = await test.store.runs.get(await test.newRun());
    const crash = (async () => {
      await server.kill9();
      await server.restart();
    })();
    const creations = Array.from({ length: 4 }, (_, number) =>
      test.store.runs.create(
        { owner: 'bob', dataset_id: dataset, spec: run.spec },
        { idempotencyKey: `key-${number % 2}` },
      ),
    );
    const ids = (await Promise.all(creations)).map(({ id }) => id);
    await crash;
    expect(new Set(ids).size).toBe(2);
    expect((await test.store.runs.list({ owner: 'bob' })).items).toHaveLength(2);
  });

  it('is told of, when it stays away longer than the caller waits', async () => {
    const impatient = createStore({
      databaseUrl: server.databaseUrl,
      blobDir: test.blobDir,
      patienceMs: 300,
    });
    await impatient.ping();
    await server.kill9();
    const before = Date.now();
    await expect(impatient.runs.list()).rejects.toMatchObject({ code: 'storage.unavailable' });
    await expect(impatient.ping()).rejects.toMatchObject({ code: 'storage.unavailable' });
    expect(Date.now() - before).toBeLessThan(15_000);
    await server.restart();
    await impatient.ping();
    await impatient.close();
  });
});

describe('a lock', () => {
  it('is held by one at a time, and freed by the end of its work', async () => {
    const other = createStore({ databaseUrl: server.databaseUrl, blobDir: test.blobDir });
    const outcome = await test.store.withLock('reconciler', async () => ({
      inner: await other.withLock('reconciler', () => Promise.resolve('both')),
    }));
    expect(outcome).toEqual({ inner: undefined });
    expect(await other.withLock('reconciler', () => Promise.resolve('now'))).toBe('now');
    await other.close();
  });
});
