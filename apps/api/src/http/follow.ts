import { setTimeout as sleep } from 'node:timers/promises';
import type { StoredEvent } from '@murnau/domain';
import type { EventFilter, Store } from '@murnau/store';
import type { EventStream } from './event-stream.js';

const STATE_EVERY_MS = 500;
/** After the end is stored, how long its last events may take to become readable. */
const LAST_EVENTS_MS = 1_000;

export interface Followed {
  store: Store;
  filter: EventFilter;
  /** Id of the event to go on behind; `0`: from the first; `now`: only what comes. */
  after: string;
  /** The end of the thing itself, as an event says it (not of one of its parts). */
  isEnd(event: StoredEvent): boolean;
  /**
   * Sends what changed of the state since the last call and returns the phase.
   * `changed`: the ids of the runs that events spoke of since; undefined at the opening.
   */
  sendState(changed: ReadonlySet<string> | undefined): Promise<{ phase: string; hasEnded: boolean }>;
}

/**
 * Streams stored events as they come, and between them the state of the thing, until it has ended or the client has
 * gone. A database that is away only makes it wait.
 */
export async function follow(stream: EventStream, followed: Followed): Promise<void> {
  const { store, filter, after, isEnd, sendState } = followed;
  let changed: Set<string> | undefined;
  let isStale = true;
  let sawEnd = false;
  let lastEventAt = Date.now();
  const onEvent = (event: StoredEvent): void => {
    stream.send('event', event, event.id);
    isStale = true;
    lastEventAt = Date.now();
    if (event.run_id !== null) changed?.add(event.run_id);
    if (isEnd(event)) sawEnd = true;
  };
  let stop: (() => void) | undefined;
  try {
    while (stream.isOpen) {
      // The first state is read after the subscription stands: no change can fall between them.
      stop ??= await store.events
        .subscribe(filter, onEvent, after === 'now' ? undefined : after)
        .catch(() => undefined);
      if (stop !== undefined && isStale) {
        isStale = false;
        const before = changed;
        changed = new Set();
        const state = await sendState(before).catch(() => undefined);
        if (state === undefined) {
          isStale = true;
          changed = before === undefined ? undefined : new Set([...before, ...changed]);
        } else if (state.hasEnded) {
          if (!isStale && (sawEnd || Date.now() - lastEventAt > LAST_EVENTS_MS)) {
            stream.send('end', { phase: state.phase });
            stream.end();
            return;
          }
          isStale = true;
        }
      }
      await sleep(STATE_EVERY_MS);
    }
  } finally {
    stop?.();
  }
}
