import { createHash } from 'node:crypto';
import { adviceParameters, endedPhases, MurnauError, type Sweep } from '@murnau/domain';
import type { AdvisorClient } from '@murnau/gpu-client';
import type { Store } from '@murnau/store';

export type SweepImportance =
  /** Name → share, greatest first. */
  | { readonly kind: 'shares'; readonly shares: Readonly<Record<string, number>> }
  | { readonly kind: 'few'; readonly finished: number; readonly needed: number }
  /** The advisor does not answer. */
  | { readonly kind: 'away' };

export type ImportanceAdvisor = Pick<AdvisorClient, 'importance'>;

/** Sweeps to remember; forgetting one costs no more than asking again. */
const mostSweeps = 200;

/** How old an answer may be: a trial that is trained again may end with another value and leave all counts as they were. */
const FRESH_FOR_MS = 60_000;

/** Asks the advisor once for all that it is asked about: a live page is drawn anew each second. */
export class SweepImportances {
  private readonly known = new Map<string, { about: string; atMs: number; answer: SweepImportance }>();

  constructor(
    private readonly store: Pick<Store, 'sweeps'>,
    private readonly advisor: ImportanceAdvisor,
  ) {}

  /** Undefined: the sweep varies one thing at most, and no part of a whole can be told. */
  async of({ id, spec, counts }: Sweep): Promise<SweepImportance | undefined> {
    const parameters = adviceParameters(spec).filter(
      ({ domain }) => domain.kind !== 'choice' || domain.values.length > 1,
    );
    if (parameters.length < 2) return undefined;
    const about = createHash('sha256')
      .update(JSON.stringify([endedPhases.map((phase) => counts[phase]), parameters, spec.metric]))
      .digest('hex');
    const last = this.known.get(id);
    if (last?.about === about && Date.now() - last.atMs < FRESH_FOR_MS) return last.answer;
    const names = new Set(parameters.map(({ name }) => name));
    const history = (await this.store.sweeps.history(id)).map((past) => {
      const values = Object.entries(past.values).filter(([name]) => names.has(name));
      return { ...past, values: Object.fromEntries(values) };
    });
    try {
      const { shares, finished_trials, needed_trials } = await this.advisor.importance({
        parameters,
        history,
        goal: spec.metric.goal,
      });
      const answer: SweepImportance =
        shares === null
          ? { kind: 'few', finished: finished_trials, needed: needed_trials }
          : { kind: 'shares', shares };
      if (this.known.size >= mostSweeps) this.known.clear();
      this.known.set(id, { about, atMs: Date.now(), answer });
      return answer;
    } catch (error) {
      if (error instanceof MurnauError && error.code === 'advisor.unavailable') return { kind: 'away' };
      throw error;
    }
  }
}
