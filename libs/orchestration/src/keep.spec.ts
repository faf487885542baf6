import { MurnauError } from '@murnau/domain';
import { expect, it } from 'vitest';
import { createKeeper, type KeptDays } from './keep.js';

function worldOf(keptDays: KeptDays, failing: readonly string[] = []) {
  const done: string[] = [];
  const answer = <Result>(what: string, result: Result): Promise<Result> => {
    if (failing.includes(what)) return Promise.reject(new MurnauError('storage.unavailable', what));
    done.push(what);
    return Promise.resolve(result);
  };
  const keeper = createKeeper({
    store: {
      blobs: { collectGarbage: () => answer('files', { removed: 2, failed: 1 }) },
      retention: {
        removeEvents: (days: number) => answer(`events ${days}`, 3),
        removeIdempotencyKeys: (days: number) => answer(`keys ${days}`, 0),
      },
      withLock: (_: string, work: () => Promise<void>) => work(),
    } as unknown as Parameters<typeof createKeeper>[0]['store'],
    keptDays,
    onRemoved: (what, count) => void done.push(`${count} ${what}`),
    onFailed: (what, { message }) => void done.push(`${what}: ${message}`),
  });
  return { keeper, done };
}

it('removes each kind, and says what it removed and what it could not', async () => {
  const { keeper, done } = worldOf({ events: 90, idempotencyKeys: 7 });
  await keeper.keep();
  expect(done).toEqual([
    'files',
    'files that nothing refers to: 1 files cannot be removed.',
    '2 files that nothing refers to',
    'events 90',
    '3 old events',
    'keys 7',
  ]);
});

it('goes on with the others where one kind fails', async () => {
  const { keeper, done } = worldOf({ events: 90, idempotencyKeys: 7 }, ['files', 'events 90']);
  await keeper.keep();
  expect(done).toEqual(['files that nothing refers to: files', 'old events: events 90', 'keys 7']);
});

it('keeps for ever what has no days', async () => {
  const { keeper, done } = worldOf({ events: 0, idempotencyKeys: 0 });
  await keeper.keep();
  expect(done.filter((what) => !what.includes('files'))).toEqual([]);
});
