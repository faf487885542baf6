import pg from 'pg';
import type { Connection } from '../database/connection.js';
import { RETRY_DELAY_MS } from '../database/failures.js';
import {
  type EventCursor,
  type EventFilter,
  type EventRecord,
  isAfter,
  matches,
  parseEventId,
  selectEnd,
  selectEvents,
} from './event-records.js';

const CHANNEL = 'murnau_events';
/** Notices are hints and may be lost with a connection: the table is looked at this often without one. */
const POLL_MS = 500;
/** Writers of one process share a notice. */
const NOTICE_DELAY_MS = 10;
const PAGE = 1_000;

export type EventListener = (event: EventRecord) => void;

interface Subscriber {
  filter: EventFilter;
  listener: EventListener;
  /** Newest event given to this listener. */
  cursor: EventCursor;
  /** Live events that arrive while older ones are still being read; undefined once caught up. */
  waiting: EventRecord[] | undefined;
  ended: boolean;
}

/**
 * One reader of the event table per process, whatever the number of subscribers: woken by a notice of any process, it
 * reads what is new once and hands it round. It runs only while someone listens.
 */
export class EventHub {
  readonly #connection: Connection;
  readonly #databaseUrl: string;
  readonly #subscribers = new Set<Subscriber>();
  #cursor: EventCursor | undefined;
  #starting: Promise<void> | undefined;
  #listening: pg.Client | undefined;
  #poll: NodeJS.Timeout | undefined;
  #notice: NodeJS.Timeout | undefined;
  #reading = false;
  #readAgain = false;
  #closed = false;

  constructor(connection: Connection, databaseUrl: string) {
    this.#connection = connection;
    this.#databaseUrl = databaseUrl;
  }

  /** Tells all processes that something was written; call it after the commit. */
  announce(): void {
    if (this.#closed) return;
    this.#notice ??= setTimeout(() => {
      this.#notice = undefined;
      // Not in the writer's transaction: NOTIFY takes a lock on all commits of the database.
      void this.#connection.notify(CHANNEL).catch(() => undefined);
    }, NOTICE_DELAY_MS).unref();
    void this.#read();
  }

  /** Every matching event after `after` (absent: from now on), each once, in order. Returns how to stop. */
  async subscribe(filter: EventFilter, listener: EventListener, after?: EventCursor): Promise<() => void> {
    await this.#start();
    const from = after ?? this.#cursor ?? (await this.#end());
    const subscriber: Subscriber = { filter, listener, cursor: from, waiting: [], ended: false };
    this.#subscribers.add(subscriber);
    void this.#catchUp(subscriber);
    return () => {
      subscriber.ended = true;
      this.#subscribers.delete(subscriber);
      if (this.#subscribers.size === 0) this.#stop();
    };
  }

  close(): void {
    this.#closed = true;
    for (const subscriber of this.#subscribers) subscriber.ended = true;
    this.#subscribers.clear();
    clearTimeout(this.#notice);
    this.#stop();
  }

  #end(): Promise<EventCursor> {
    return this.#connection.repeatable(selectEnd);
  }

  async #start(): Promise<void> {
    this.#starting ??= this.#end().then((end) => {
      this.#cursor = end;
      this.#poll = setInterval(() => void this.#read(), POLL_MS);
      this.#poll.unref();
      void this.#listen();
    });
    await this.#starting.catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
  }

  #stop(): void {
    clearInterval(this.#poll);
    this.#starting = undefined;
    this.#cursor = undefined;
    const client = this.#listening;
    this.#listening = undefined;
    void client?.end().catch(() => undefined);
  }

  /** Keeps one connection for notices; a lost one is opened again for as long as someone listens. */
  async #listen(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#databaseUrl,
      keepAlive: true,
      application_name: 'murnau events',
    });
    this.#listening = client;
    const again = () => {
      if (this.#listening !== client) return;
      this.#listening = undefined;
      void client.end().catch(() => undefined);
      setTimeout(() => {
        if (this.#starting !== undefined && this.#listening === undefined && !this.#closed)
          void this.#listen();
      }, RETRY_DELAY_MS).unref();
    };
    client.on('error', again);
    client.on('end', again);
    client.on('notification', () => void this.#read());
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      await this.#read();
    } catch {
      again();
    }
  }

  async #read(): Promise<void> {
    if (this.#subscribers.size === 0) return;
    if (this.#reading) {
      this.#readAgain = true;
      return;
    }
    this.#reading = true;
    try {
      do {
        this.#readAgain = false;
        await this.#readOnce();
      } while (this.#readAgain);
    } catch {
      // The database is away: the next poll or notice reads from the same cursor.
    } finally {
      this.#reading = false;
    }
  }

  async #readOnce(): Promise<void> {
    const cursor = this.#cursor;
    if (cursor === undefined) return;
    const events = await this.#connection.once((db) => selectEvents(db, {}, cursor, PAGE));
    if (this.#cursor !== cursor) return;
    this.#cursor = cursorOf(events, cursor);
    for (const subscriber of this.#subscribers) for (const event of events) offer(subscriber, event);
    if (events.length === PAGE) this.#readAgain = true;
  }

  async #catchUp(subscriber: Subscriber): Promise<void> {
    while (!subscriber.ended) {
      const events = await this.#connection
        .repeatable((db) => selectEvents(db, subscriber.filter, subscriber.cursor, PAGE))
        .catch(() => undefined);
      for (const event of events ?? []) deliver(subscriber, event);
      if (events !== undefined && events.length < PAGE) break;
    }
    const waiting = subscriber.waiting ?? [];
    subscriber.waiting = undefined;
    for (const event of waiting) deliver(subscriber, event);
  }
}

function offer(subscriber: Subscriber, event: EventRecord): void {
  if (!matches(event, subscriber.filter)) return;
  if (subscriber.waiting === undefined) deliver(subscriber, event);
  else subscriber.waiting.push(event);
}

function deliver(subscriber: Subscriber, event: EventRecord): void {
  if (subscriber.ended || !isAfter(event.id, subscriber.cursor)) return;
  subscriber.cursor = parseEventId(event.id) ?? subscriber.cursor;
  try {
    subscriber.listener(event);
  } catch {
    // A listener's fault is its own: the others go on.
  }
}

function cursorOf(events: readonly EventRecord[], before: EventCursor): EventCursor {
  const last = events.at(-1);
  return (last && parseEventId(last.id)) ?? before;
}
