import { adviceParameters, isEnded, MurnauError, type Sweep } from '@murnau/domain';
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
/** Of a sweep that runs the advisor is asked anew when so much more has finished: 5 % say nothing new. */
const growth = 1.05;

interface Known {
  /** What is searched, and by which metric: a sweep may be given more. */
  readonly about: string;
  readonly finished: number;
  readonly isFinal: boolean;
  readonly answer: Promise<SweepImportance>;
}

/**
 * Asks the advisor about a sample of a sweep's trials, once for all viewers: again when a twentieth more has finished,
 * and when it has ended.
 */
export class SweepImportances {
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly store: Pick<Store, 'sweeps'>,
    private readonly advisor: ImportanceAdvisor,
  ) {}

  /** Undefined: the sweep varies one thing at most, and no part of a whole can be told. */
  async of(sweep: Sweep): Promise<SweepImportance | undefined> {
    const { id, phase, counts, spec } = sweep;
    const parameters = adviceParameters(spec).filter(
      ({ domain }) => domain.kind !== 'choice' || domain.values.length > 1,
    );
    if (parameters.length < 2) return undefined;
    const finished = counts['finished'] ?? 0;
    const isFinal = isEnded(phase);
    const last = this.known.get(id);
    const about = JSON.stringify([parameters, spec.metric]);
    const isCurrent =
      last?.about === about &&
      (isFinal
        ? last.isFinal && last.finished === finished
        : finished >= last.finished && finished < Math.max(last.finished + 1, last.finished * growth));
    if (isCurrent) return last.answer;
    const answer = this.ask(sweep, parameters);
    const now: Known = { about, finished, isFinal, answer };
    const forget = (): void => {
      if (this.known.get(id) === now) this.known.delete(id);
    };
    answer.then(({ kind }) => kind === 'away' && forget(), forget);
    if (this.known.size >= mostSweeps) this.known.clear();
    this.known.set(id, now);
    return answer;
  }

  private async ask(
    { id, spec }: Sweep,
    parameters: ReturnType<typeof adviceParameters>,
  ): Promise<SweepImportance> {
    const names = new Set(parameters.map(({ name }) => name));
    const history = (await this.store.sweeps.sample(id)).map((past) => {
      const values = Object.entries(past.values).filter(([name]) => names.has(name));
      return { ...past, values: Object.fromEntries(values) };
    });
    try {
      const { shares, finished_trials, needed_trials } = await this.advisor.importance({
        parameters,
        history,
        goal: spec.metric.goal,
      });
      return shares === null
        ? { kind: 'few', finished: finished_trials, needed: needed_trials }
        : { kind: 'shares', shares };
    } catch (error) {
      if (error instanceof MurnauError && error.code === 'advisor.unavailable') return { kind: 'away' };
      throw error;
    }
  }
}
