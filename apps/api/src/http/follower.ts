import { setTimeout as sleep } from 'node:timers/promises';
import { type StoredEvent, toMurnauError } from '@murnau/domain';
import type { EventFilter, Store } from '@murnau/store';

const STATE_EVERY_MS = 500;
/** Of the newest events and texts, those that viewers at the front find here; the others are read from the store. */
const MOST_EVENTS = 1_000;
const MOST_TEXTS = 300;
/** Where more runs have changed between two reads, viewers get the opening state again instead. */
const MOST_CHANGED = 100;

export interface Resource {
  /** Name of its frames. */
  event: 'run' | 'sweep' | 'generation';
  id: string;
  resource: unknown;
}

interface State {
  phase: string;
  hasEnded: boolean;
  resources: Resource[];
}

/** A thing whose events and state are streamed. */
export interface Topic {
  /** One follower for each. */
  key: string;
  filter: EventFilter;
  /** The end of the thing itself, as an event says it (not of one of its parts). */
  isEnd(event: StoredEvent): boolean;
  /** What a viewer begins with; bounded, whatever the thing has. */
  readOpening(): Promise<State>;
  /** The thing itself, and those of its parts that are named. */
  readChanges(runIds: readonly string[]): Promise<State>;
}

export const topicKey = (event: Resource['event'], id: string): string => `${event}/${id}`;

/** A resource as it is sent. */
export interface Frame {
  event: string;
  text: string;
}

/** What a viewer has not been sent yet; the newest state of each resource wins. */
export interface Viewer {
  offer(key: string, frame: Frame): void;
  /** Too much has changed: it begins with the opening state again. */
  startOver(): void;
  wake(): void;
}

/**
 * What all viewers of one thing share: one subscription to its events, and one read of its state each half second in
 * which something happened. A database that is away only makes it wait.
 */
export class Follower {
  readonly topic: Topic;
  readonly #store: Store;
  readonly #viewers = new Set<Viewer>();
  readonly #texts = new Map<string, string>();
  #events: StoredEvent[] = [];
  #eventCount = 0;
  #lastEventAt = Date.now();
  #changed = new Set<string>();
  #isSubscribed = false;
  #state: { phase: string; hasEnded: boolean; eventCount: number } | undefined;
  #opening: { state: Promise<State>; at: number } | undefined;
  #version = 0;

  constructor(store: Store, topic: Topic) {
    this.#store = store;
    this.topic = topic;
  }

  /** From here on its viewers miss nothing. */
  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }
  /** How many events have come. */
  get eventCount(): number {
    return this.#eventCount;
  }
  /** How often the state was read. */
  get version(): number {
    return this.#version;
  }
  get hasViewers(): boolean {
    return this.#viewers.size > 0;
  }
  /** The phase in which it has ended, as the state was after the newest event; undefined: it goes on. */
  get endPhase(): string | undefined {
    return this.#state?.hasEnded === true && !this.#isStale ? this.#state.phase : undefined;
  }
  /** Since the newest event. */
  get quietMs(): number {
    return Date.now() - this.#lastEventAt;
  }
  get #isStale(): boolean {
    return this.#state?.eventCount !== this.#eventCount;
  }

  /** From now on `viewer` is offered what changes. */
  join(viewer: Viewer): void {
    this.#viewers.add(viewer);
    if (this.#viewers.size === 1) void this.#run();
  }

  leave(viewer: Viewer): void {
    this.#viewers.delete(viewer);
  }

  /** Offers the state that a viewer begins with; the others get what of it is news to them. */
  async open(viewer: Viewer): Promise<void> {
    // What changes after it was read is offered when the state is read next.
    const now = Date.now();
    if (this.#opening === undefined || now - this.#opening.at > STATE_EVERY_MS) {
      this.#opening = { state: this.topic.readOpening(), at: now };
    }
    const before = this.#version;
    const { resources } = await this.#opening.state;
    // What was read meanwhile is newer: it must not be followed by what this read found.
    if (this.#version === before) this.#publish(resources, viewer);
    else await this.open(viewer);
  }

  /** The events behind the one with this id; undefined: it is none of the newest, or not there yet. */
  eventsAfter(id: string): readonly StoredEvent[] | undefined {
    const place = this.#events.findLastIndex((event) => event.id === id);
    return place < 0 ? undefined : this.#events.slice(place + 1);
  }

  async #run(): Promise<void> {
    let stop: (() => void) | undefined;
    const onEvent = (event: StoredEvent): void => this.#onEvent(event);
    while (this.hasViewers) {
      // The first state is read after the subscription stands: no change can fall between them.
      stop ??= await this.#store.events.subscribe(this.topic.filter, onEvent).catch(() => undefined);
      this.#isSubscribed = stop !== undefined;
      if (this.#isSubscribed && this.#isStale) await this.#refresh();
      for (const viewer of this.#viewers) viewer.wake();
      await sleep(STATE_EVERY_MS);
    }
    stop?.();
  }

  #onEvent(event: StoredEvent): void {
    this.#events.push(event);
    if (this.#events.length > 2 * MOST_EVENTS) this.#events = this.#events.slice(-MOST_EVENTS);
    this.#eventCount += 1;
    this.#lastEventAt = Date.now();
    if (event.run_id !== null) this.#changed.add(event.run_id);
    for (const viewer of this.#viewers) viewer.wake();
  }

  async #refresh(): Promise<void> {
    const { size } = this.#changed;
    const changed = [...this.#changed];
    this.#changed.clear();
    this.#opening = undefined;
    const eventCount = this.#eventCount;
    try {
      const { phase, hasEnded, resources } = await this.topic.readChanges(size > MOST_CHANGED ? [] : changed);
      this.#state = { phase, hasEnded, eventCount };
      this.#version += 1;
      this.#publish(resources);
      if (size > MOST_CHANGED) for (const viewer of this.#viewers) viewer.startOver();
    } catch (error) {
      for (const id of changed) this.#changed.add(id);
      const { code } = toMurnauError(error);
      if (code.endsWith('.not_found')) this.#state = { phase: 'cancelled', hasEnded: true, eventCount };
    }
  }

  /** @param opening who gets all of it, changed or not */
  #publish(resources: readonly Resource[], opening?: Viewer): void {
    for (const { event, id, resource } of resources) {
      const key = topicKey(event, id);
      const text = JSON.stringify(resource);
      const isNews = this.#texts.get(key) !== text;
      if (isNews) this.#remember(key, text);
      for (const viewer of isNews ? this.#viewers : []) viewer.offer(key, { event, text });
      if (!isNews) opening?.offer(key, { event, text });
    }
  }

  /** Of a resource that is forgotten the same state may be sent twice. */
  #remember(key: string, text: string): void {
    this.#texts.delete(key);
    this.#texts.set(key, text);
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > MOST_TEXTS && oldest !== undefined) this.#texts.delete(oldest);
  }
}

/** The followers of all things that somebody looks at. */
export class Followers {
  readonly #store: Store;
  readonly #byKey = new Map<string, Follower>();

  constructor(store: Store) {
    this.#store = store;
  }

  join(topic: Topic, viewer: Viewer): Follower {
    const known = this.#byKey.get(topic.key);
    const follower = known ?? new Follower(this.#store, topic);
    this.#byKey.set(topic.key, follower);
    follower.join(viewer);
    return follower;
  }

  /** Nobody joins one that was left by all: it ends. */
  leave(follower: Follower, viewer: Viewer): void {
    follower.leave(viewer);
    if (!follower.hasViewers) this.#byKey.delete(follower.topic.key);
  }

  /** What is shown of a thing is the same as long as this is. Undefined: nobody follows it. */
  versionOf(key: string): number | undefined {
    return this.#byKey.get(key)?.version;
  }
}
