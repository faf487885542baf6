import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';
import { AbortError } from './abort-error.js';

/** A poll that has brought nothing after this time found its queue empty, in milliseconds. */
const pollAnswersWithinMs = 500;

/**
 * Places for one kind of work on a worker, shared by the queues of all its models. Nothing is polled while they are
 * taken, or while the worker is away.
 *
 * The SDK reserves a slot before it polls, keeps it for as long as the poll is open (a minute where the queue is empty;
 * no poll can be taken back) and reserves the next one meanwhile. A fixed number of slots for all queues would
 * therefore be held by idle models. So a poll takes a place only while its answer is still likely: for half a second,
 * and not at all where the queue's last poll came back empty. Each queue has one poll at most. What an open poll brings
 * after the last place has gone is refused by `enter` before anything was claimed, and goes back to its queue.
 */
export class SharedSlots {
  private readonly queues: QueueSlots[] = [];
  private isOpen = false;
  private turns = 0;

  /** @param limit tasks at once */
  constructor(
    private limit: number,
    private readonly answerMs = pollAnswersWithinMs,
  ) {}

  /** Tasks at work. */
  get running(): number {
    return this.queues.reduce((sum, { running }) => sum + running, 0);
  }

  get hasRoom(): boolean {
    return this.running < this.limit;
  }

  /** Slots for another queue. */
  queue(): QueueSlots {
    const turn = (): number => (this.turns += 1);
    const queue = new QueueSlots({ deal: () => this.deal(), turn, answerMs: this.answerMs });
    this.queues.push(queue);
    return queue;
  }

  setOpen(isOpen: boolean, limit = this.limit): void {
    this.isOpen = isOpen;
    this.limit = limit;
    this.deal();
  }

  /** Queues take turns: first the one with the fewest tasks, of equals the one whose turn is longest ago. */
  private deal(): void {
    const ready = this.queues
      .filter(({ wantsPoll }) => wantsPoll)
      .sort((a, b) => a.tasks - b.tasks || a.lastTurn - b.lastTurn);
    for (const queue of ready) {
      const taken = this.queues.reduce((sum, { places }) => sum + places, 0);
      if (!this.isOpen || taken >= this.limit) return;
      queue.poll();
    }
  }
}

interface QueueSlotsOptions {
  /** Hands out what there is to hand out. */
  readonly deal: () => void;
  /** The number of the next turn. */
  readonly turn: () => number;
  readonly answerMs: number;
}

/** The part of one queue in shared slots. */
export class QueueSlots implements CustomSlotSupplier<ActivitySlotInfo> {
  readonly type = 'custom';
  /** Tasks at work. */
  running = 0;
  /** Tasks that polls have brought, those that are about to begin or to be sent back included. */
  tasks = 0;
  /** When a task of this queue began last: a count. */
  lastTurn = 0;
  private hasPoll = false;
  private isAnswerLikely = true;
  /** Until it fires, the open poll takes a place. */
  private answering: NodeJS.Timeout | undefined;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly options: QueueSlotsOptions) {}

  get wantsPoll(): boolean {
    return this.waiting.length > 0 && !this.hasPoll;
  }

  /** Places that are not to be given to others. */
  get places(): number {
    return this.tasks + (this.answering === undefined ? 0 : 1);
  }

  /** Lets the SDK poll. */
  poll(): void {
    this.hasPoll = true;
    if (this.isAnswerLikely) {
      this.answering = setTimeout(() => {
        this.pollIs('idle');
        this.options.deal();
      }, this.options.answerMs);
    }
    this.waiting.shift()?.();
  }

  /** A task begins. @returns what ends it */
  enter(): () => void {
    this.running += 1;
    this.lastTurn = this.options.turn();
    return () => {
      this.running -= 1;
      this.options.deal();
    };
  }

  reserveSlot(_context: unknown, signal: AbortSignal): Promise<SlotPermit> {
    return new Promise((resolve, reject) => {
      const grant = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve({});
      };
      const giveUp = (): void => {
        this.waiting.splice(this.waiting.indexOf(grant), 1);
        reject(new AbortError());
      };
      if (signal.aborted) {
        reject(new AbortError());
        return;
      }
      signal.addEventListener('abort', giveUp, { once: true });
      this.waiting.push(grant);
      this.options.deal();
    });
  }

  /** Eager tasks are those of workflows in the same process: there are none. */
  tryReserveSlot(): null {
    return null;
  }

  markSlotUsed(): void {
    this.hasPoll = false;
    this.pollIs('likely');
    this.tasks += 1;
    this.options.deal();
  }

  /** With `slotInfo` a task has ended; without it, a poll came back empty. */
  releaseSlot({ slotInfo }: { slotInfo?: ActivitySlotInfo }): void {
    if (slotInfo !== undefined) this.tasks -= 1;
    else {
      this.hasPoll = false;
      this.pollIs('idle');
    }
    this.options.deal();
  }

  private pollIs(expected: 'likely' | 'idle'): void {
    clearTimeout(this.answering);
    this.answering = undefined;
    this.isAnswerLikely = expected === 'likely';
  }
}
