import { RETRY_DELAY_MS } from './failures.js';

const LONGEST_MS = 5_000;

/** How long to wait after each failure in a row: doubling, up to 5 s. For loops that may fail for ever. */
export class Backoff {
  #next = RETRY_DELAY_MS;

  /** In milliseconds. */
  failed(): number {
    const delay = this.#next;
    this.#next = Math.min(delay * 2, LONGEST_MS);
    return delay;
  }

  succeeded(): void {
    this.#next = RETRY_DELAY_MS;
  }
}
