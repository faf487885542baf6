import type { TrainEvent } from '@murnau/gpu-client';

/** What the Temporal UI shows of a segment at work. Never where it resumes from. */
interface SegmentProgress {
  readonly worker: string;
  readonly phase: string;
  readonly step: number;
  readonly stored_step: number;
  readonly steps_per_second: number;
}

interface SegmentHeartbeatOptions {
  readonly worker: string;
  readonly heartbeat: (progress: SegmentProgress) => void;
  /** Between heartbeats, in milliseconds. */
  readonly intervalMs: number;
  /** A worker that said nothing for this long is not spoken for, in milliseconds. Default 4000. */
  readonly silenceMs?: number;
}

/**
 * Heartbeats for as long as the worker says that it is alive, and while the dispatcher itself prepares or stores. Each
 * one that is sent is a write of Temporal's, so a segment shorter than the interval sends none.
 */
export class SegmentHeartbeat {
  private progress: SegmentProgress;
  private heardMs = Date.now();
  /** The dispatcher itself prepares the segment, or stores the rest of it: no worker is listened to. */
  private isOwnWork = true;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly options: SegmentHeartbeatOptions) {
    this.progress = {
      worker: options.worker,
      phase: 'claiming',
      step: 0,
      stored_step: 0,
      steps_per_second: 0,
    };
    this.timer = setInterval(() => this.beat(), options.intervalMs);
  }

  /** From here on only the worker keeps the segment alive. */
  opened(storedStep: number): void {
    this.isOwnWork = false;
    this.heardMs = Date.now();
    this.progress = { ...this.progress, phase: 'opening', step: storedStep, stored_step: storedStep };
  }

  /** The worker is done; what it sent is still being stored. */
  closed(): void {
    this.isOwnWork = true;
    this.progress = { ...this.progress, phase: 'storing' };
  }

  heard(event: TrainEvent): void {
    this.heardMs = Date.now();
    if (event.kind !== 'alive') return;
    const { step, phase, steps_per_second } = event;
    this.progress = { ...this.progress, step, phase, steps_per_second };
  }

  stored(step: number): void {
    this.progress = { ...this.progress, stored_step: step };
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private beat(): void {
    const isAlive = this.isOwnWork || Date.now() - this.heardMs < (this.options.silenceMs ?? 4_000);
    if (isAlive) this.options.heartbeat(this.progress);
  }
}
