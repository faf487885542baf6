import type { WorkerDoor } from '@murnau/activities';
import { MurnauError } from '@murnau/domain';
import type { QueueSlots } from './shared-slots.js';
import { SharedSlots } from './shared-slots.js';

/** Interactive work at once: it shares the device with training. */
const drawingSlots = 2;
/** Word checks and files need no device; of each model. */
const textSlots = 4;
/**
 * How long one that goes alone waits for what is at work, in milliseconds: more than a segment lasts. What takes longer,
 * such as a large drawing, must not keep it here while another worker may be idle, nor keep everything else waiting.
 */
const longestAloneWaitMs = 90_000;
/** One that gave up waiting is back from its queue within this time: until then what has left stays free for it. */
const aloneReturnsMs = 2_000;

type DeviceWork = 'training' | 'drawing';

/**
 * What one worker has room for. Training and drawing have places, each shared by all models; either may take the worker
 * for itself, and then nothing else begins until it has left.
 */
export class WorkerRoom {
  private readonly device: Record<DeviceWork, SharedSlots>;
  private readonly texts: SharedSlots[] = [];
  private isOpen = false;
  private isTakenAlone = false;
  /** Until it fires, only one that goes alone gets in. */
  private keptFree: NodeJS.Timeout | undefined;
  private readonly leaving = new Set<() => void>();

  /** @param trainingSlots runs at once */
  constructor(
    private trainingSlots: number,
    private readonly aloneWaitMs = longestAloneWaitMs,
    private readonly returnsMs = aloneReturnsMs,
  ) {
    this.device = { training: new SharedSlots(trainingSlots), drawing: new SharedSlots(drawingSlots) };
  }

  /** Runs at work. */
  get training(): number {
    return this.device.training.running;
  }

  setOpen(isOpen: boolean, trainingSlots: number): void {
    this.isOpen = isOpen;
    this.trainingSlots = trainingSlots;
    this.openUp();
  }

  /** For one model's work on the device. */
  door(work: DeviceWork): { readonly slots: QueueSlots; readonly door: WorkerDoor } {
    const slots = this.device[work].queue();
    return {
      slots,
      door: {
        enter: async ({ alone, signal }) =>
          alone ? this.enterAlone(slots, signal) : this.enter(work, slots),
      },
    };
  }

  /** For what needs no device: behind no other work, and no other model's. */
  text(): QueueSlots {
    const slots = new SharedSlots(textSlots);
    this.texts.push(slots);
    slots.setOpen(this.isOpen);
    return slots.queue();
  }

  private enter(work: DeviceWork, slots: QueueSlots): () => void {
    if (this.isTakenAlone || this.keptFree !== undefined || !this.device[work].hasRoom) throw noRoom();
    const leave = slots.enter();
    return () => {
      leave();
      for (const left of [...this.leaving]) left();
    };
  }

  private async enterAlone(slots: QueueSlots, signal: AbortSignal): Promise<() => void> {
    if (this.isTakenAlone) throw noRoom();
    clearTimeout(this.keptFree);
    this.keptFree = undefined;
    this.setTakenAlone(true);
    const patience = AbortSignal.any([signal, AbortSignal.timeout(this.aloneWaitMs)]);
    while (this.device.training.running + this.device.drawing.running > 0 && !patience.aborted) {
      await this.nextToLeave(patience);
    }
    if (patience.aborted) {
      if (!signal.aborted) this.keepFree();
      this.setTakenAlone(false);
      throw signal.aborted ? new MurnauError('worker.lost', 'The task was taken away.') : noRoom();
    }
    const leave = slots.enter();
    return () => {
      leave();
      this.setTakenAlone(false);
    };
  }

  private nextToLeave(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const left = (): void => {
        signal.removeEventListener('abort', left);
        this.leaving.delete(left);
        resolve();
      };
      signal.addEventListener('abort', left);
      this.leaving.add(left);
    });
  }

  private keepFree(): void {
    clearTimeout(this.keptFree);
    this.keptFree = setTimeout(() => (this.keptFree = undefined), this.returnsMs).unref();
  }

  private setTakenAlone(isTakenAlone: boolean): void {
    this.isTakenAlone = isTakenAlone;
    this.openUp();
  }

  private openUp(): void {
    const isFree = this.isOpen && !this.isTakenAlone;
    this.device.training.setOpen(isFree, this.trainingSlots);
    this.device.drawing.setOpen(isFree);
    for (const slots of this.texts) slots.setOpen(this.isOpen);
  }
}

/** The task goes back to its queue; it is polled again when there is room. */
const noRoom = (): MurnauError =>
  new MurnauError('worker.unavailable', 'All places of the worker are taken.');
