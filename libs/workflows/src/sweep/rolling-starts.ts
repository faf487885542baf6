import type { TrialStarted, TrialToStart } from '@murnau/contracts';
import { condition, sleep } from '@temporalio/workflow';
import { closingMs, startTrial } from './start-trial.js';

/** Starts of trials that are under way while their sweep goes on deciding. A start takes as long as Temporal is busy. */
export class RollingStarts {
  private readonly made = new Set<TrialStarted>();
  private confirmed: TrialStarted[] = [];
  private failure: { readonly error: unknown } | undefined;

  /** @param onNews is called when there is something to decide: a trial has ended, or is to be started again */
  constructor(private readonly onNews: () => void) {}

  begin(trials: readonly TrialToStart[]): void {
    for (const trial of trials) void this.start(trial);
  }

  underWay(): readonly TrialStarted[] {
    return [...this.made];
  }

  /** Those that the store has not been told of. @throws what a start failed by */
  takeConfirmed(): readonly TrialStarted[] {
    if (this.failure !== undefined) throw this.failure.error;
    const taken = this.confirmed;
    this.confirmed = [];
    return taken;
  }

  /** Waits until no more than `most` are under way. */
  async settled(most = 0): Promise<void> {
    await condition(() => this.made.size <= most);
  }

  private async start(trial: TrialToStart): Promise<void> {
    const start = { run_id: trial.run_id, chain: trial.chain ?? 0 };
    this.made.add(start);
    try {
      if (await startTrial(trial, this.onNews)) this.confirmed.push(start);
      else {
        // It keeps its place until its former workflow has closed.
        await sleep(closingMs);
        this.onNews();
      }
    } catch (error) {
      this.failure ??= { error };
      this.onNews();
    } finally {
      this.made.delete(start);
    }
  }
}
