interface Observation {
  readonly atMs: number;
  readonly step: number;
}

/** Steps per second over a sliding window, from the steps that a watcher happens to see. */
export class StepRate {
  #seen: Observation[] = [];
  readonly #windowMs: number;

  constructor(windowMs = 20_000) {
    this.#windowMs = windowMs;
  }

  observe(step: number, atMs: number): void {
    const last = this.#seen.at(-1);
    if (last?.step === step) return;
    // A run that was taken up again goes on from an older checkpoint.
    if (last !== undefined && step < last.step) this.#seen = [];
    this.#seen.push({ atMs, step });
    const kept = this.#seen.filter((seen) => atMs - seen.atMs <= this.#windowMs);
    this.#seen = kept.length >= 2 ? kept : this.#seen.slice(-2);
  }

  /** Undefined until two steps have been seen. */
  perSecond(): number | undefined {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (first === undefined || last === undefined || last.atMs === first.atMs) return undefined;
    return ((last.step - first.step) * 1000) / (last.atMs - first.atMs);
  }

  /** Seconds until `maxStep`. */
  remainingSeconds(maxStep: number): number | undefined {
    const rate = this.perSecond();
    const last = this.#seen.at(-1);
    if (rate === undefined || last === undefined || rate <= 0) return undefined;
    return Math.max(0, maxStep - last.step) / rate;
  }
}
