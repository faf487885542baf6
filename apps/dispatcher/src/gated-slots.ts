import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';
import { AbortError } from './abort-error.js';

/**
 * Slots for tasks that are handed out only while the gate is open: a dispatcher whose worker is away asks for no work,
 * so that work goes to one that can do it. (A poll that is already open keeps its slot; its task is sent back.)
 */
export class GatedSlots implements CustomSlotSupplier<ActivitySlotInfo> {
  readonly type = 'custom';
  private issued = 0;
  private used = 0;
  private isOpen = false;
  private readonly waiting = new Set<() => void>();

  /** @param limit slots at once */
  constructor(private limit: number) {}

  /** Tasks at work. */
  get running(): number {
    return this.used;
  }

  setOpen(isOpen: boolean, limit = this.limit): void {
    this.isOpen = isOpen;
    this.limit = limit;
    this.wake();
  }

  async reserveSlot(_context: unknown, signal: AbortSignal): Promise<SlotPermit> {
    while (!this.isOpen || this.issued >= this.limit) {
      if (signal.aborted) throw new AbortError();
      await new Promise<void>((resolve) => {
        const done = (): void => {
          signal.removeEventListener('abort', done);
          this.waiting.delete(done);
          resolve();
        };
        signal.addEventListener('abort', done);
        this.waiting.add(done);
      });
    }
    if (signal.aborted) throw new AbortError();
    this.issued += 1;
    return {};
  }

  tryReserveSlot(): SlotPermit | null {
    if (!this.isOpen || this.issued >= this.limit) return null;
    this.issued += 1;
    return {};
  }

  markSlotUsed(): void {
    this.used += 1;
  }

  releaseSlot(context: { slotInfo?: ActivitySlotInfo }): void {
    this.issued -= 1;
    if (context.slotInfo !== undefined) this.used -= 1;
    this.wake();
  }

  private wake(): void {
    for (const done of [...this.waiting]) done();
  }
}
