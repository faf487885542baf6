import type { BookkeepingDeps } from './deps.js';
import { sweepDetails } from './sweep-details.js';

const shownTrials = 5;
const shownDecisions = 5;
/** How old may be what the Temporal UI shows of a sweep. Making it reads all trials. */
const freshForMs = 5_000;
/** Sweeps to remember; forgetting one costs no more than showing it anew. */
const mostSweeps = 1_000;

export async function detailsOf({ store, galleryUrl }: BookkeepingDeps, sweepId: string): Promise<string> {
  const [sweep, best, decisions] = await Promise.all([
    store.sweeps.get(sweepId),
    store.sweeps.best(sweepId, shownTrials),
    store.sweeps.decisions(sweepId, { limit: shownDecisions }),
  ]);
  return sweepDetails(sweep, best, decisions.items, galleryUrl);
}

/** Knows when each sweep was shown last, and by what: a change of phase, and what it waits for, show at once. */
export class ShownDetails {
  private readonly shown = new Map<string, { readonly atMs: number; readonly state: string }>();

  /** Undefined: what was shown last is new enough. */
  async refresh(
    deps: BookkeepingDeps,
    sweepId: string,
    { state, head = '' }: { state: string; head?: string | undefined },
  ): Promise<string | undefined> {
    const last = this.shown.get(sweepId);
    const isFresh = last?.state === state && Date.now() - last.atMs < freshForMs;
    if (isFresh) return undefined;
    if (this.shown.size >= mostSweeps) this.shown.clear();
    const details = `${head}${await detailsOf(deps, sweepId)}`;
    this.shown.set(sweepId, { atMs: Date.now(), state });
    return details;
  }
}
