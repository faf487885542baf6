import type { SweepRow } from '@murnau/contracts';
import type { BookkeepingDeps } from './deps.js';
import { sweepDetails } from './sweep-details.js';
import { sweepRow } from './sweep-row.js';

const shownTrials = 5;
const shownDecisions = 5;
/** How old may be what the Temporal UI shows of a sweep. Making it reads all trials. */
const freshForMs = 5_000;
/** Sweeps to remember; forgetting one costs no more than showing it anew. */
const mostSweeps = 1_000;

export interface SweepShown {
  readonly details: string;
  readonly row: SweepRow;
}

/** @param isWaiting for a person to pick its winners */
export async function shownOf(
  { store, galleryUrl }: BookkeepingDeps,
  sweepId: string,
  { isWaiting = false }: { isWaiting?: boolean } = {},
): Promise<SweepShown> {
  const [sweep, best, decisions] = await Promise.all([
    store.sweeps.get(sweepId),
    store.sweeps.best(sweepId, shownTrials),
    store.sweeps.decisions(sweepId, { limit: shownDecisions }),
  ]);
  return {
    details: sweepDetails(sweep, best, decisions.items, galleryUrl),
    row: sweepRow(isWaiting ? 'waiting' : sweep.phase, best[0]),
  };
}

/** Knows when each sweep was shown last, and by what: a change of phase, and what it waits for, show at once. */
export class ShownDetails {
  private readonly shown = new Map<string, { readonly atMs: number; readonly state: string }>();

  /** Undefined: what was shown last is new enough. */
  async refresh(
    deps: BookkeepingDeps,
    sweepId: string,
    { state, head = '', isWaiting }: { state: string; head?: string | undefined; isWaiting: boolean },
  ): Promise<SweepShown | undefined> {
    const last = this.shown.get(sweepId);
    const isFresh = last?.state === state && Date.now() - last.atMs < freshForMs;
    if (isFresh) return undefined;
    if (this.shown.size >= mostSweeps) this.shown.clear();
    const { details, row } = await shownOf(deps, sweepId, { isWaiting });
    this.shown.set(sweepId, { atMs: Date.now(), state });
    return { details: `${head}${details}`, row };
  }
}
