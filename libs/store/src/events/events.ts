import type { Connection } from '../database/connection.js';
import type { EventHub, EventListener } from './event-hub.js';
import {
  type EventFilter,
  type EventRecord,
  insertEvents,
  type NewEvent,
  parseEventId,
  placeEvents,
  selectEvents,
  START,
} from './event-records.js';

export class Events {
  readonly #connection: Connection;
  readonly #hub: EventHub;

  constructor(connection: Connection, hub: EventHub) {
    this.#connection = connection;
    this.#hub = hub;
  }

  /** For what no other write says; at least once if the connection breaks midway. */
  async record(...events: NewEvent[]): Promise<void> {
    await this.#connection.repeatable((db) => insertEvents(db, events));
    this.#hub.announce();
  }

  /** Puts what was written in its order, so that no reader has much of that to do. */
  order(): Promise<void> {
    return this.#connection.repeatable(placeEvents);
  }

  /** In order, after the event with this id (absent or unknown: from the first). */
  list(
    filter: EventFilter,
    options: { after?: string | undefined; limit?: number } = {},
  ): Promise<EventRecord[]> {
    const after = parseEventId(options.after ?? '') ?? START;
    return this.#connection.repeatable(async (db) => {
      await placeEvents(db);
      return selectEvents(db, filter, after, options.limit ?? 1_000);
    });
  }

  /** The last `limit` events, in order. */
  async newest(filter: EventFilter, limit: number): Promise<EventRecord[]> {
    const events = await this.#connection.repeatable(async (db) => {
      await placeEvents(db);
      return selectEvents(db, filter, START, limit, 'desc');
    });
    return events.reverse();
  }

  /**
   * Calls back with every matching event, each once and in order, through restarts of the database.
   * `after`: an event's id (Last-Event-ID) to go on behind it, `'0'` for all from the first; absent: from now on. An id
   * behind the newest event (of a database that was put back) is from now on, too.
   * Returns how to stop.
   */
  subscribe(filter: EventFilter, listener: EventListener, after?: string): Promise<() => void> {
    const cursor = after === undefined ? undefined : (parseEventId(after) ?? START);
    return this.#hub.subscribe(filter, listener, cursor);
  }
}
