import type { Contender, RungFacts } from '@murnau/store';

export interface Promoted {
  readonly run_id: string;
  readonly rung: number;
  readonly why: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** How many of those that have come to a rung may go on. */
export const topOf = (reached: number, eta: number): number => Math.floor(reached / eta);

/**
 * Asynchronous successive halving (Li et al., "A System for Massively Parallel Hyperparameter Tuning", algorithm 2):
 * whoever is among the best 1/eta of those that have reached its rung so far goes on, the highest rung first. Nothing
 * waits until a rung is full.
 * @param closed rungs that nobody leaves by himself
 */
export function decidePromotions(
  rungs: readonly RungFacts[],
  { eta, free, closed }: { eta: number; free: number; closed: (rung: number) => boolean },
): Promoted[] {
  return [...rungs]
    .sort((a, b) => b.rung - a.rung)
    .filter(({ rung }) => !closed(rung))
    .flatMap(({ rung, reached, contenders }) =>
      contenders
        .filter(({ place, value }) => value !== null && place <= topOf(reached, eta))
        .map(({ run_id, place, value }) => ({
          run_id,
          rung,
          why: `place ${place} of ${reached} at rung ${rung}, among the best 1 in ${eta}`,
          data: { place, reached, value },
        })),
    )
    .slice(0, Math.max(0, free));
}

/** Whom the timer of a gate picks: the best 1/eta, and one at least. */
export function timerPicks({ reached, contenders }: RungFacts, eta: number): readonly Contender[] {
  const top = Math.max(1, topOf(reached, eta));
  return contenders.filter(({ place, value }) => value !== null && place <= top);
}
