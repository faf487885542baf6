import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Backoff } from '../database/backoff.js';
import type { Connection } from '../database/connection.js';
import { RETRY_DELAY_MS } from '../database/failures.js';
import {
  type EventFilter,
  type EventRecord,
  matches,
  placeEvents,
  selectEnd,
  selectEvents,
} from './event-records.js';

const CHANNEL = 'murnau_events';
/** Notices are hints and may be lost with a connection: the table is looked at this often without one. */
const POLL_MS = 500;
/** Writers of one process share a notice. */
const NOTICE_DELAY_MS = 10;
const PAGE = 1_000;
/** Events kept for a subscriber that is still reading older ones; of more it reads those from the table, too. */
const MOST_WAITING = 1_000;

export type EventListener = (event: EventRecord) => void;

interface Subscriber {
  filter: EventFilter;
  listener: EventListener;
  /** Place of the newest event given to this listener. */
  cursor: number;
  /** Live events that arrive while older ones are still being read; undefined once caught up. */
  waiting: EventRecord[] | undefined;
  /** Some found no room in `waiting`. */
  missed: boolean;
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
  readonly #backoff = new Backoff();
  /** Place of the newest event that was handed round; undefined: nobody listens. */
  #cursor: number | undefined;
  #starting: Promise<number> | undefined;
  #listening: pg.Client | undefined;
  #poll: NodeJS.Timeout | undefined;
  #notice: NodeJS.Timeout | undefined;
  #reading = false;
  /** After a failure, when the table may be read again. */
  #restUntil = 0;
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

  /**
   * Every matching event after `after`, each once, in order. Absent, or behind the newest event: from now on.
   * Returns how to stop.
   */
  async subscribe(filter: EventFilter, listener: EventListener, after?: number): Promise<() => void> {
    const subscriber: Subscriber = { filter, listener, cursor: 0, waiting: [], missed: false, ended: false };
    this.#subscribers.add(subscriber);
    try {
      const read = await this.#start();
      subscriber.cursor =
        after === undefined ? read : after <= read ? after : Math.min(after, await this.#end());
    } catch (error) {
      this.#leave(subscriber);
      throw error;
    }
    void this.#catchUp(subscriber);
    return () => this.#leave(subscriber);
  }

  #leave(subscriber: Subscriber): void {
    subscriber.ended = true;
    this.#subscribers.delete(subscriber);
    if (this.#subscribers.size === 0) this.#stop();
  }

  close(): void {
    this.#closed = true;
    for (const subscriber of this.#subscribers) subscriber.ended = true;
    this.#subscribers.clear();
    clearTimeout(this.#notice);
    this.#stop();
  }

  #end(): Promise<number> {
    return this.#connection.repeatable(selectEnd);
  }

  /** @returns the place up to which events have been handed round */
  async #start(): Promise<number> {
    this.#starting ??= this.#end().then((end) => {
      this.#cursor = end;
      this.#poll = setInterval(() => void this.#read(), POLL_MS);
      this.#poll.unref();
      void this.#listen();
      return end;
    });
    const end = await this.#starting.catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#cursor ?? end;
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
    if (this.#subscribers.size === 0 || Date.now() < this.#restUntil) return;
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
      this.#backoff.succeeded();
    } catch {
      // A later poll or notice reads from the same cursor.
      this.#restUntil = Date.now() + this.#backoff.failed();
    } finally {
      this.#reading = false;
    }
  }

  async #readOnce(): Promise<void> {
    const cursor = this.#cursor;
    if (cursor === undefined) return;
    const events = await this.#connection.once(async (db) => {
      await placeEvents(db);
      return selectEvents(db, {}, cursor, PAGE);
    });
    if (this.#cursor !== cursor) return;
    this.#cursor = Number(events.at(-1)?.id ?? cursor);
    for (const subscriber of this.#subscribers) for (const event of events) offer(subscriber, event);
    if (events.length === PAGE) this.#readAgain = true;
  }

  async #catchUp(subscriber: Subscriber): Promise<void> {
    const backoff = new Backoff();
    while (!subscriber.ended && subscriber.waiting !== undefined) {
      const { filter, cursor } = subscriber;
      try {
        const events = await this.#connection.once((db) => selectEvents(db, filter, cursor, PAGE));
        backoff.succeeded();
        for (const event of events) deliver(subscriber, event);
        if (events.length < PAGE) joinLive(subscriber);
      } catch {
        await sleep(backoff.failed(), undefined, { ref: false });
      }
    }
  }
}

/** Ends the reading of older events, unless newer ones found no room meanwhile. */
function joinLive(subscriber: Subscriber): void {
  const { waiting = [], missed } = subscriber;
  subscriber.waiting = missed ? [] : undefined;
  subscriber.missed = false;
  if (!missed) for (const event of waiting) deliver(subscriber, event);
}

function offer(subscriber: Subscriber, event: EventRecord): void {
  if (!matches(event, subscriber.filter)) return;
  if (subscriber.waiting === undefined) deliver(subscriber, event);
  else if (subscriber.waiting.length < MOST_WAITING) subscriber.waiting.push(event);
  else subscriber.missed = true;
}

function deliver(subscriber: Subscriber, event: EventRecord): void {
  const place = Number(event.id);
  if (subscriber.ended || place <= subscriber.cursor) return;
  subscriber.cursor = place;
  try {
    subscriber.listener(event);
  } catch {
    // A listener's fault is its own: the others go on.
  }
}
