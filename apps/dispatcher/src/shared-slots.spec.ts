import { describe, expect, it, vi } from 'vitest';
import { SharedSlots } from './shared-slots.js';
import type { QueueSlots } from './shared-slots.js';

const never = new AbortController().signal;
const slotInfo = { type: 'activity', activityType: 'trainSegment' } as const;

/** A queue as the SDK polls it: one slot reserved for the open poll, and one for the next. */
class Polled {
  /** Slots that were handed out and not used yet. */
  permits = 0;
  constructor(readonly slots: QueueSlots) {
    this.reserve();
    this.reserve();
  }

  reserve(): void {
    void this.slots.reserveSlot({}, never).then(() => (this.permits += 1));
  }

  /** The poll brings a task. @returns what ends it, or undefined where it found no place */
  task(shared: SharedSlots): (() => void) | undefined {
    this.permits -= 1;
    this.slots.markSlotUsed();
    this.reserve();
    if (!shared.hasRoom) {
      this.slots.releaseSlot({ slotInfo });
      return undefined;
    }
    const leave = this.slots.enter();
    return () => {
      leave();
      this.slots.releaseSlot({ slotInfo });
    };
  }

  empty(): void {
    this.permits -= 1;
    this.slots.releaseSlot({});
    this.reserve();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** @param answerMs how long a poll takes a place. Default: as long as a test lasts */
async function open(
  limit: number,
  queues: number,
  answerMs = 60_000,
): Promise<{ shared: SharedSlots; polled: Polled[] }> {
  const shared = new SharedSlots(limit, answerMs);
  const polled = Array.from({ length: queues }, () => new Polled(shared.queue()));
  shared.setOpen(true);
  await settled();
  return { shared, polled };
}

/** Only what is asked for is polled, and each queue has a backlog. @returns whose task each of them was */
async function serve(shared: SharedSlots, polled: Polled[], tasks: number): Promise<number[]> {
  const served: number[] = [];
  for (let task = 0; task < tasks; task += 1) {
    await settled();
    const open = polled.filter(({ permits }) => permits > 0);
    expect(open).toHaveLength(1);
    const [next] = open;
    const leave = next?.task(shared);
    expect(leave).toBeDefined();
    served.push(next === undefined ? -1 : polled.indexOf(next));
    leave?.();
  }
  return served;
}

describe('shared slots', () => {
  it('hand out nothing while they are closed', async () => {
    const shared = new SharedSlots(2, 10);
    const polled = new Polled(shared.queue());
    await settled();
    expect(polled.permits).toBe(0);
    shared.setOpen(true);
    await settled();
    expect(polled.permits).toBe(1);
  });

  it('poll for nothing while all places are taken', async () => {
    const { shared, polled } = await open(1, 2);
    expect(polled.map(({ permits }) => permits)).toEqual([1, 0]);
    const leave = polled[0]?.task(shared);
    await vi.waitFor(() => expect(shared.hasRoom).toBe(false));
    expect(polled.map(({ permits }) => permits)).toEqual([0, 0]);
    leave?.();
    await settled();
    expect(polled.map(({ permits }) => permits)).toEqual([0, 1]);
  });

  it('let queues with a backlog take turns, whatever their number', async () => {
    const { shared, polled } = await open(1, 3);
    expect(await serve(shared, polled, 9)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });

  it('serve the queue with the fewest tasks first', async () => {
    const { shared, polled } = await open(3, 2);
    const [first, second] = polled;
    first?.task(shared);
    await settled();
    const leave = first?.task(shared) ?? second?.task(shared);
    expect(leave).toBeDefined();
    await settled();
    expect(first?.permits).toBe(0);
    expect(second?.permits).toBe(1);
  });

  it('give no place to the poll of an idle queue', async () => {
    const { polled } = await open(1, 2, 10);
    // The first poll brings nothing in time: the other queue's begins beside it.
    await vi.waitFor(() => expect(polled.map(({ permits }) => permits)).toEqual([1, 1]));
    polled[0]?.empty();
    await settled();
    expect(polled.map(({ permits }) => permits)).toEqual([1, 1]);
  });

  it('never let more tasks begin than there are places, and turn first to the queue that found none', async () => {
    const { shared, polled } = await open(1, 2, 10);
    const [first, second] = polled;
    await vi.waitFor(() => expect(second?.permits).toBe(1));
    const leave = first?.task(shared);
    expect(leave).toBeDefined();
    expect(second?.task(shared)).toBeUndefined();
    await settled();
    expect(polled.map(({ permits }) => permits)).toEqual([0, 0]);
    leave?.();
    await settled();
    expect(polled.map(({ permits }) => permits)).toEqual([0, 1]);
  });

  it('keep what was handed out when they are closed', async () => {
    const { shared, polled } = await open(2, 1);
    shared.setOpen(false);
    const leave = polled[0]?.task(shared);
    expect(leave).toBeDefined();
    leave?.();
    await settled();
    expect(polled[0]?.permits).toBe(0);
  });

  it('give up a reservation that is no longer wanted', async () => {
    const shared = new SharedSlots(1, 10);
    const queue = shared.queue();
    const stop = new AbortController();
    const reservation = queue.reserveSlot({}, stop.signal);
    stop.abort();
    await expect(reservation).rejects.toMatchObject({ name: 'AbortError' });
    const next = new Polled(queue);
    shared.setOpen(true);
    await settled();
    expect(next.permits).toBe(1);
  });
});
