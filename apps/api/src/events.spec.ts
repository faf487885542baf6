import { startPrivateTestPostgres, type TestPostgres } from '@murnau/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Frame, readEvents } from './testing/read-events.js';
import { seedDataset, seedRun, seedSweep, train } from './testing/seed.js';
import { startTestServer, type TestServer } from './testing/test-server.js';

let postgres: TestPostgres;
let server: TestServer;
let address: string;

beforeAll(async () => {
  postgres = await startPrivateTestPostgres();
  server = await startTestServer(undefined, {}, await postgres.createDatabase());
  address = await server.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await server.close();
  await postgres.stop();
});

const open = (path: string, headers: Record<string, string> = {}) => {
  const { host: _, ...own } = server.headers;
  return readEvents(`${address}${path}`, { ...own, ...headers });
};
const idsOf = (frames: readonly Frame[]) => frames.flatMap(({ id }) => (id === undefined ? [] : [id]));
const lastOf = (frames: readonly Frame[], event: string) =>
  frames.filter((frame) => frame.event === event).at(-1)?.data;

describe('the stream of a run', () => {
  it('gives what was, what comes, the state, and ends with the run', async () => {
    const dataset = await seedDataset(server.store);
    const run = await seedRun(server.store, dataset.id, {
      max_steps: 50,
      samples: { every_steps: 0, final_count: 1 },
    });
    const reader = await open(`/v1/runs/${run.id}/events`);
    await reader.until((frames) => lastOf(frames, 'run') !== undefined && idsOf(frames).length > 0);
    expect(lastOf(reader.frames, 'run')).toMatchObject({ id: run.id, phase: 'queued' });
    await train(server.store, run, 25);
    await reader.until((frames) => lastOf(frames, 'run')?.['step'] === 25);
    await train(server.store, run, 50, { chain: 0, segment: 1, attempt: 0 });
    await reader.ended;
    expect(lastOf(reader.frames, 'run')).toMatchObject({ phase: 'finished', step: 50 });
    expect(reader.frames.at(-1)).toMatchObject({ event: 'end', data: { phase: 'finished' } });
    const stored = await server.store.events.list({ runId: run.id });
    expect(idsOf(reader.frames)).toEqual(stored.map(({ id }) => id));
  });

  it('goes on behind any Last-Event-ID, with none twice and none missing', async () => {
    const dataset = await seedDataset(server.store);
    const run = await seedRun(server.store, dataset.id, {
      max_steps: 50,
      samples: { every_steps: 0, final_count: 1 },
    });
    await train(server.store, run, 50);
    const ids = (await server.store.events.list({ runId: run.id })).map(({ id }) => id);
    await Promise.all(
      ['0', ...ids].map(async (id, index) => {
        const reader = await open(`/v1/runs/${run.id}/events`, { 'last-event-id': id });
        await reader.ended;
        expect(idsOf(reader.frames)).toEqual(ids.slice(index));
        expect(reader.frames.at(-1)?.event).toBe('end');
      }),
    );
  });

  it('starts at now when asked to, and does not start at all for a run that is not there', async () => {
    const dataset = await seedDataset(server.store);
    const run = await seedRun(server.store, dataset.id, {
      max_steps: 25,
      samples: { every_steps: 0, final_count: 1 },
    });
    const reader = await open(`/v1/runs/${run.id}/events?after=now`);
    await reader.until((frames) => lastOf(frames, 'run') !== undefined);
    expect(idsOf(reader.frames)).toEqual([]);
    await train(server.store, run, 25);
    await reader.ended;
    const kinds = reader.frames.map(({ data }) => data['kind']);
    expect(kinds).toContain('finished');
    expect(kinds).not.toContain('created');
    expect((await open('/v1/runs/00000000/events')).status).toBe(404);
    expect((await open(`/v1/runs/${run.id}/events?after=x`)).status).toBe(422);
  });
});

it('a sweep streams its trials and itself', async () => {
  const dataset = await seedDataset(server.store);
  const sweep = await seedSweep(server.store, dataset.id);
  const runs = await server.store.sweeps.best(sweep.id, 4);
  const reader = await open(`/v1/sweeps/${sweep.id}/events`);
  const trials = () =>
    new Set(reader.frames.filter(({ event }) => event === 'run').map(({ data }) => data['trial']));
  await reader.until(() => trials().size === 4);
  const [first] = runs;
  if (first === undefined) throw new Error('no trial');
  await train(server.store, first, 25);
  await reader.until(
    (frames) => lastOf(frames, 'run')?.['id'] === first.id && lastOf(frames, 'run')?.['step'] === 25,
  );
  for (const run of runs) await server.store.runs.end(run.id, { phase: 'cancelled' });
  await server.store.sweeps.end(sweep.id, { phase: 'cancelled' });
  await reader.ended;
  expect(reader.frames.at(-1)).toMatchObject({ event: 'end', data: { phase: 'cancelled' } });
  expect(lastOf(reader.frames, 'sweep')).toMatchObject({ phase: 'cancelled', counts: { cancelled: 4 } });
});

it('a crash of the database only makes streams and requests wait', async () => {
  const dataset = await seedDataset(server.store);
  const run = await seedRun(server.store, dataset.id, {
    max_steps: 50,
    samples: { every_steps: 0, final_count: 1 },
  });
  const reader = await open(`/v1/runs/${run.id}/events`);
  await train(server.store, run, 25);
  await reader.until((frames) => lastOf(frames, 'run')?.['step'] === 25);
  await postgres.kill9();
  const asked = server.app.inject({ url: `/v1/runs/${run.id}`, headers: server.headers });
  const drawn = server.app.inject({ url: `/runs/${run.id}`, headers: server.headers });
  await postgres.restart();
  expect((await asked).statusCode).toBe(200);
  expect((await drawn).statusCode).toBe(200);
  await train(server.store, run, 50, { chain: 0, segment: 1, attempt: 0 });
  await reader.ended;
  const stored = await server.store.events.list({ runId: run.id });
  expect(idsOf(reader.frames)).toEqual(stored.map(({ id }) => id));
});

it('closing the server ends its streams at once', async () => {
  const other = await startTestServer(undefined, {}, await postgres.createDatabase());
  const at = await other.app.listen({ host: '127.0.0.1', port: 0 });
  const dataset = await seedDataset(other.store);
  const run = await seedRun(other.store, dataset.id);
  const { host: _, ...headers } = other.headers;
  const reader = await readEvents(`${at}/v1/runs/${run.id}/events`, headers);
  await reader.until((frames) => frames.length > 0);
  const before = Date.now();
  await other.close();
  await reader.ended;
  expect(Date.now() - before).toBeLessThan(10_000);
  expect(lastOf(reader.frames, 'end')).toBeUndefined();
});
