import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createStore } from '../create-store.js';
import { openTestStore, type TestStore } from '../test-store.js';
import type { EventRecord } from './event-records.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const first = { chain: 0, segment: 0, attempt: 1 };
const settled = { timeout: 10_000, interval: 20 };

describe('events', () => {
  it('can be read from any of them on, page by page', async () => {
    const id = await test.newRun();
    for (let number = 0; number < 5; number += 1)
      await test.store.events.record({ kind: 'log', run_id: id, data: { number } });
    const all = await test.store.events.list({ runId: id });
    expect(all.map(({ kind }) => kind)).toEqual(['created', 'log', 'log', 'log', 'log', 'log']);
    const page = await test.store.events.list({ runId: id }, { after: all[2]!.id, limit: 2 });
    expect(page).toEqual(all.slice(3, 5));
  });

  it('reach another process at once, each once and in order', { retry: 3 }, async () => {
    const id = await test.newRun();
    const other = createStore({ databaseUrl: test.databaseUrl, blobDir: test.blobDir });
    const seen: EventRecord[] = [];
    const stop = await other.events.subscribe({ runId: id }, (event) => void seen.push(event), '0');
    await vi.waitFor(() => expect(seen).toHaveLength(1), settled);
    await sleep(100); // the notices' connection stands
    const before = Date.now();
    await test.store.events.record({ kind: 'log', run_id: id });
    await vi.waitFor(() => expect(seen).toHaveLength(2), { timeout: 5_000, interval: 2 });
    expect(Date.now() - before).toBeLessThan(450); // a notice, not the half-second poll
    stop();
    await test.store.events.record({ kind: 'log', run_id: id });
    await sleep(50);
    expect(seen).toHaveLength(2);
    await other.close();
  });

  it("of a sweep include its trials', and a filter shows no others", async () => {
    const [mine, others] = [await test.newRun(), await test.newRun()];
    const seen: EventRecord[] = [];
    const stop = await test.store.events.subscribe({ runId: mine }, (event) => void seen.push(event));
    await test.store.events.record({ kind: 'log', run_id: others }, { kind: 'log', run_id: mine });
    await vi.waitFor(() => expect(seen).toHaveLength(1), settled);
    expect(seen[0]?.run_id).toBe(mine);
    stop();
  });

  it('reach every subscriber, early or late, complete and in order under many writers', async () => {
    const ids = await Promise.all(Array.from({ length: 4 }, () => test.newRun()));
    const seen: string[][] = [];
    const stops: (() => void)[] = [];
    const subscribe = async (after?: string) => {
      const list: string[] = [];
      seen.push(list);
      stops.push(
        await test.store.events.subscribe(
          {},
          ({ id, kind }) => void (kind === 'busy' && list.push(id)),
          after,
        ),
      );
    };
    const start = (await test.store.events.list({})).at(-1)!.id;
    const writing = Promise.all(
      ids.map(async (id, writer) => {
        for (let number = 0; number < 25; number += 1) {
          await test.store.events.record({ kind: 'busy', run_id: id, data: { writer, number } });
        }
      }),
    );
    for (let reader = 0; reader < 4; reader += 1) {
      await subscribe(start);
      await sleep(30);
    }
    await writing;
    const wanted = (await test.store.events.list({}, { after: start }))
      .filter(({ kind }) => kind === 'busy')
      .map(({ id }) => id);
    expect(wanted).toHaveLength(100);
    await vi.waitFor(() => expect(seen).toEqual([wanted, wanted, wanted, wanted]), settled);
    stops.forEach((stop) => stop());
  });

  it('of undone steps are gone, those of the claim say from where', async () => {
    const id = await test.newRun();
    const { epoch } = await test.store.runs.claim(id, first, 'worker-0');
    await test.store.runs.recordProgress(id, epoch, { metrics: [{ step: 1, name: 'train_loss', value: 1 }] });
    await test.store.runs.claim(id, { ...first, attempt: 2 }, 'worker-1');
    const events = await test.store.events.list({ runId: id });
    expect(events.map(({ kind }) => kind)).toEqual(['created', 'claimed', 'phase', 'restarted', 'claimed']);
    expect(events.at(-1)?.data).toEqual({ epoch: 2, by: 'worker-1', resume_step: 0 });
  });
});
