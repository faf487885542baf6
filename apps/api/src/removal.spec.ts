import { removalSchema } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedDataset, seedRun, seedSweep, train } from './testing/seed.js';
import { callsOf, startTestServer, type TestServer } from './testing/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const { call, get } = callsOf(() => server);
const remove = (path: string) => call({ method: 'DELETE', url: `/v1/${path}` });

describe('DELETE', () => {
  it('says what would go, refuses what is used or at work, then removes', async () => {
    const dataset = await seedDataset(server.store, 'to remove');
    const run = await seedRun(server.store, dataset.id);
    const at = `datasets/${dataset.id}`;
    expect((await remove(at)).json()).toMatchObject({ status: 409, code: 'removal.in_use' });
    expect((await remove(`${at}?dependants=true`)).json()).toMatchObject({ code: 'removal.still_open' });
    await train(server.store, run, run.spec.max_steps);
    const planned = await remove(`${at}?dependants=true&dry_run=true`);
    expect(removalSchema.strict().parse(planned.json())).toEqual({
      kind: 'dataset',
      id: dataset.id,
      name: 'to remove',
      trials: 0,
      dependants: [{ kind: 'run', id: run.id, name: run.name }],
      dependant_count: 1,
    });
    expect((await get(`/v1/runs/${run.id}`)).statusCode).toBe(200);
    const removed = await remove(`${at}?dependants=true`);
    expect([removed.statusCode, removed.json()]).toEqual([200, planned.json()]);
    for (const path of [at, `runs/${run.id}`]) {
      expect((await get(`/v1/${path}`)).statusCode).toBe(404);
      expect((await remove(path)).statusCode).toBe(404);
    }
    // Its pages are gone as well, and those that listed it are whole.
    const html = { accept: 'text/html' };
    expect((await call({ method: 'GET', url: `/runs/${run.id}`, headers: html })).statusCode).toBe(404);
    expect((await call({ method: 'GET', url: '/', headers: html })).statusCode).toBe(200);
    expect((await get('/v1/embeddings')).json()).toMatchObject({ items: [{ run_id: null }] });
  });

  it('is for the holder of the token, in words that it knows', async () => {
    const { id } = await seedSweep(server.store, (await seedDataset(server.store)).id);
    const anyone = { host: '127.0.0.1:7800' };
    const url = `/v1/sweeps/${id}`;
    expect((await server.app.inject({ method: 'DELETE', url, headers: anyone })).statusCode).toBe(401);
    expect((await remove(`sweeps/${id}?force=true`)).json()).toMatchObject({ code: 'spec.invalid' });
    expect((await remove(`sweeps/${id}?dependants=yes`)).json()).toMatchObject({ field: 'dependants' });
    expect((await remove('workers/w')).json()).toMatchObject({ code: 'route.not_found' });
  });
});
