import type { Store } from '@murnau/store';
import type { EventStream } from './event-stream.js';
import type { Follower, Followers, Frame, Topic, Viewer } from './follower.js';

/** Events read from the store at once. */
const PAGE = 200;
/** Changed resources that may wait for a client; with more of them it begins with the opening state again. */
const MOST_WAITING = 200;
/** After the end is stored, how long its last events may take to become readable. */
const LAST_EVENTS_MS = 1_000;

/**
 * Streams stored events as they come, and between them the state of the thing, until it has ended or the client has
 * gone. Nothing is read before the client has taken what was sent: events are in the store, of states the newest wins.
 * @param after id of the event to go on behind; `0`: from the first; `now`: only what comes
 */
export async function follow(
  stream: EventStream,
  { store, followers }: { store: Store; followers: Followers },
  topic: Topic,
  after: string,
): Promise<void> {
  const viewing = new Viewing(stream, store, after);
  const follower = followers.join(topic, viewing);
  try {
    await viewing.run(follower);
  } finally {
    followers.leave(follower, viewing);
  }
}

class Viewing implements Viewer {
  readonly #stream: EventStream;
  readonly #store: Store;
  /** Of the last event sent. */
  #cursor: string;
  /** The follower's count of events when the store had no more of them than were sent. */
  #readCount = -1;
  #sawEnd = false;
  #isToOpen = true;
  #waiting = new Map<string, Frame>();
  #wake: (() => void) | undefined;

  constructor(stream: EventStream, store: Store, after: string) {
    this.#stream = stream;
    this.#store = store;
    this.#cursor = after;
  }

  offer(key: string, frame: Frame): void {
    if (this.#isToOpen) return;
    this.#waiting.set(key, frame);
    if (this.#waiting.size > MOST_WAITING) this.startOver();
  }

  startOver(): void {
    this.#waiting.clear();
    this.#isToOpen = true;
  }

  wake(): void {
    this.#wake?.();
  }

  async run(follower: Follower): Promise<void> {
    while (this.#stream.isOpen) {
      // A database that is away is asked again at the next wake.
      const hasMore = follower.isSubscribed && (await this.#step(follower).catch(() => false));
      if (hasMore) continue;
      const phase = follower.endPhase;
      if (phase !== undefined && (await this.#hasAll(follower).catch(() => false))) {
        await this.#stream.send('end', JSON.stringify({ phase }));
        return this.#stream.end();
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Sends the state as it is, then events: a page at most. @returns whether there is more to send */
  async #step(follower: Follower): Promise<boolean> {
    if (this.#cursor === 'now') {
      const [last] = await this.#store.events.newest(follower.topic.filter, 1);
      this.#cursor = last?.id ?? '0';
    }
    if (this.#isToOpen) {
      this.#isToOpen = false;
      await follower.open(this).catch((error: unknown) => {
        this.#isToOpen = true;
        throw error;
      });
    }
    const waiting = this.#waiting;
    this.#waiting = new Map();
    for (const { event, text } of waiting.values()) await this.#stream.send(event, text);
    return (await this.#sendEvents(follower)) || this.#isToOpen || this.#waiting.size > 0;
  }

  async #sendEvents(follower: Follower): Promise<boolean> {
    const { eventCount, topic } = follower;
    if (this.#readCount === eventCount) return false;
    const known = follower.eventsAfter(this.#cursor);
    const events =
      known?.slice(0, PAGE) ??
      (await this.#store.events.list(topic.filter, { after: this.#cursor, limit: PAGE }));
    for (const event of events) {
      if (!this.#stream.isOpen) return false;
      await this.#stream.send('event', JSON.stringify(event), event.id);
      this.#cursor = event.id;
      if (topic.isEnd(event)) this.#sawEnd = true;
    }
    if (events.length < PAGE) this.#readCount = eventCount;
    return this.#readCount !== follower.eventCount;
  }

  /** Asked of what has ended: whether the client has its last state and its last event. */
  async #hasAll({ eventCount, quietMs, topic }: Follower): Promise<boolean> {
    if (this.#isToOpen || this.#waiting.size > 0 || this.#readCount !== eventCount) return false;
    if (!this.#sawEnd && quietMs < LAST_EVENTS_MS) return false;
    // One transaction may end thousands of trials with their sweep: their events come page by page.
    return (await this.#store.events.list(topic.filter, { after: this.#cursor, limit: 1 })).length === 0;
  }
}
