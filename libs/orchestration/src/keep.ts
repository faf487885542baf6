import { MurnauError, toMurnauError } from '@murnau/domain';
import type { Store } from '@murnau/store';

/** For how many days each is kept; 0: for ever. */
export interface KeptDays {
  /** Events of what has ended. */
  readonly events: number;
  readonly idempotencyKeys: number;
}

interface KeeperDeps {
  readonly store: Pick<Store, 'blobs' | 'retention' | 'withLock'>;
  readonly keptDays: KeptDays;
  readonly onRemoved: (what: string, count: number) => void;
  /** One kind could not be removed, or some of it; the others were. */
  readonly onFailed: (what: string, error: MurnauError) => void;
}

/** Removes what is no longer kept. */
export interface Keeper {
  /** One round, by one process at a time. */
  keep(): Promise<void>;
}

export function createKeeper({ store, keptDays, onRemoved, onFailed }: KeeperDeps): Keeper {
  const kinds: Readonly<Record<string, () => Promise<number>>> = {
    'files that nothing refers to': async () => {
      const { removed, failed } = await store.blobs.collectGarbage();
      if (failed > 0)
        onFailed(
          'files that nothing refers to',
          new MurnauError('internal', `${failed} files cannot be removed.`),
        );
      return removed;
    },
    'old events': () => ifKept(keptDays.events, (days) => store.retention.removeEvents(days)),
    'old idempotency keys': () =>
      ifKept(keptDays.idempotencyKeys, (days) => store.retention.removeIdempotencyKeys(days)),
  };
  const round = async (): Promise<void> => {
    for (const [what, remove] of Object.entries(kinds)) {
      try {
        const removed = await remove();
        if (removed > 0) onRemoved(what, removed);
      } catch (error) {
        onFailed(what, toMurnauError(error));
      }
    }
  };
  return {
    keep: async () => {
      await store.withLock('removing what is no longer kept', round);
    },
  };
}

const ifKept = (days: number, remove: (days: number) => Promise<number>): Promise<number> =>
  days === 0 ? Promise.resolve(0) : remove(days);
