import type { Dataset, Sweep } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { pagePaths } from './pages/page-routes.js';
import { readEvents } from './testing/read-events.js';
import { finishTrials, seedLargeSweep } from './testing/seed-large.js';
import { seedDataset, seedRun, seedWorker } from './testing/seed.js';
import { callsOf, startTestServer, type TestServer } from './testing/test-server.js';

const [few, many] = [100, 3_000];
/** Trials that are left to end while somebody looks: some train to their end, the others end with the sweep. */
const [open, trained] = [2_700, 30];

let server: TestServer;
let dataset: Dataset;
let [small, large]: (Sweep | undefined)[] = [];
let openTrials: string[];

beforeAll(async () => {
  server = await startTestServer();
  dataset = await seedDataset(server.store);
  await seedWorker(server.store);
  // Older than every trial: a list of the newest runs would not show it.
  await seedRun(server.store, dataset.id, { placeholder_token: 'loner' });
  small = await seedFinished(few, 0);
  large = await seedFinished(many, open);
  openTrials = (await server.store.sweeps.trials(large.id)).slice(-open).map(({ run_id }) => run_id);
}, 300_000);
afterAll(() => server.close());

async function seedFinished(trials: number, left: number): Promise<Sweep> {
  const sweep = await seedLargeSweep(server.store, dataset.id, trials);
  const ids = (await server.store.sweeps.trials(sweep.id)).map(({ run_id }) => run_id);
  await finishTrials(server.store, ids.slice(0, trials - left));
  return sweep;
}

const { get } = callsOf(() => server);
const idOf = (sweep: Sweep | undefined): string => sweep?.id ?? '';

/** Every address that is read, with ids of this sweep and of its best trial; streams apart. */
async function addressesOf(sweep: string): Promise<{ path: string; url: string }[]> {
  const { paths } = (await get('/v1/openapi.json')).json<{ paths: Record<string, object> }>();
  const read = Object.keys(paths).filter((path) => 'get' in (paths[path] ?? {}) && !path.endsWith('/events'));
  const [run] = await server.store.sweeps.best(sweep, 1);
  const ids: Record<string, string | undefined> = { runs: run?.id, sweeps: sweep, datasets: dataset.id };
  return [...read, ...pagePaths.map((path) => path.replace(':id', '{id}'))].flatMap((path) => {
    const id = ids[path.split('/').at(path.startsWith('/v1/') ? 2 : 1) ?? ''];
    if (path.includes('{') && id === undefined) return [];
    return [{ path, url: path.replace(/\{\w+\}/, id ?? '') }];
  });
}

describe('whoever looks at a large sweep', () => {
  it('gets answers no longer than of a small one, from every address', async () => {
    const sizes = new Map<string, number>();
    for (const { path, url } of await addressesOf(idOf(small))) {
      sizes.set(path, (await get(url)).rawPayload.length);
    }
    for (const { path, url } of await addressesOf(idOf(large))) {
      const answer = await get(url);
      expect([url, answer.statusCode]).toEqual([url, 200]);
      const size = answer.rawPayload.length;
      expect([path, size <= 1.5 * (sizes.get(path) ?? 0) + 2_000]).toEqual([path, true]);
    }
    expect(sizes.size).toBeGreaterThan(20);
  }, 120_000);

  it('gets pages of at most the limit, which hold every trial once, best first', async () => {
    for (const { url } of await addressesOf(idOf(large))) {
      const answer = await get(url);
      if (!String(answer.headers['content-type']).includes('json')) continue;
      const { items } = answer.json<{ items?: unknown[] }>();
      expect([url, (items?.length ?? 0) <= 1_000]).toEqual([url, true]);
    }
    const seen: { id: string; best: { value: number } | null }[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = (await get(`/v1/sweeps/${idOf(large)}/trials?limit=200${query}`)).json<{
        items: typeof seen;
        next_cursor: string | null;
      }>();
      expect(page.items.length).toBeLessThanOrEqual(200);
      seen.push(...page.items);
      cursor = page.next_cursor;
    }
    expect(new Set(seen.map(({ id }) => id)).size).toBe(many);
    const values = seen.map(({ best }) => best?.value ?? -Infinity);
    expect(values).toEqual([...values].sort((a, b) => b - a));
  });

  it('sees runs of no sweep on the home page, however many trials are newer', async () => {
    const page = (await get('/')).body;
    expect(page).toContain('loner');
    expect(page).toContain(`${(many - open).toLocaleString('en-US')} of ${many.toLocaleString('en-US')}`);
  });

  it('follows it: a short opening, then every end and its own', async () => {
    const address = await server.app.listen({ host: '127.0.0.1', port: 0 });
    const { host: _, ...headers } = server.headers;
    const id = idOf(large);
    const reader = await readEvents(`${address}/v1/sweeps/${id}/events?after=now`, headers);
    await reader.until((frames) => frames.some(({ event }) => event === 'run'));
    // Nothing happens: what came at the opening is all.
    await vi.waitFor(async () => {
      const before = reader.frames.length;
      await new Promise((done) => setTimeout(done, 1_200));
      expect(reader.frames.length).toBe(before);
    }, 20_000);
    const size = reader.frames.reduce((sum, { data }) => sum + JSON.stringify(data).length, 0);
    expect(size).toBeLessThan(200_000);
    expect(reader.frames.find(({ event }) => event === 'sweep')?.data).toMatchObject({
      counts: { finished: many - open, queued: open },
    });
    await finishTrials(server.store, openTrials.slice(0, trained));
    await server.store.sweeps.end(id, { phase: 'cancelled' });
    await reader.ended;
    const ended = reader.frames.flatMap(({ event, data }) => {
      const isEnd = data['kind'] === 'finished' || (data['kind'] === 'phase' && isCancelled(data['data']));
      return event === 'event' && isEnd && data['run_id'] !== null ? [data['run_id']] : [];
    });
    expect(ended).toHaveLength(open);
    expect(new Set(ended)).toEqual(new Set(openTrials));
    expect(reader.frames.at(-1)).toMatchObject({ event: 'end', data: { phase: 'cancelled' } });
    expect(reader.frames.filter(({ event }) => event === 'sweep').at(-1)?.data).toMatchObject({
      counts: { finished: many - open + trained, cancelled: open - trained },
    });
  }, 120_000);
});

const isCancelled = (data: unknown): boolean =>
  (data as { phase?: string } | undefined)?.phase === 'cancelled';
