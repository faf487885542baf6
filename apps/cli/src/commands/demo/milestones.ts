import type { LiveMessage } from '@murnau/api-client';

/** Seconds from the command to what a visitor waits for; each is taken once. */
export class Milestones {
  firstStep: number | undefined;
  firstPicture: number | undefined;
  readonly #startedMs: number;

  constructor(startedMs: number) {
    this.#startedMs = startedMs;
  }

  seconds(nowMs: number): number {
    return (nowMs - this.#startedMs) / 1000;
  }

  /** @returns what was reached just now. */
  note(message: LiveMessage, nowMs: number): 'first step' | 'first picture' | undefined {
    if (this.firstStep === undefined && isStep(message)) {
      this.firstStep = this.seconds(nowMs);
      return 'first step';
    }
    if (this.firstPicture === undefined && isPicture(message)) {
      this.firstPicture = this.seconds(nowMs);
      return 'first picture';
    }
    return undefined;
  }
}

function isStep(message: LiveMessage): boolean {
  if (message.kind === 'run') return message.run.step > 0;
  return message.kind === 'event' && message.event.kind === 'progress';
}

function isPicture(message: LiveMessage): boolean {
  if (message.kind !== 'event') return false;
  const { kind, data } = message.event;
  return kind === 'sample' || (kind === 'progress' && Number(data['samples'] ?? 0) > 0);
}
