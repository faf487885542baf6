import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RungFacts } from '@murnau/store';
import { decidePromotions, timerPicks, topOf } from './halving.js';

interface Trial {
  readonly trial: number;
  /** Merit at each rung. */
  readonly merits: readonly number[];
  rung: number;
  phase: 'new' | 'running' | 'waiting' | 'finished';
}

/** What the store would say, by sorting everything. */
function factsOf(trials: readonly Trial[], top: number): RungFacts[] {
  const facts: RungFacts[] = [];
  for (let rung = 1; rung <= top; rung += 1) {
    const reached = trials
      .filter((trial) => trial.rung >= rung)
      .sort((a, b) => (b.merits[rung - 1] ?? 0) - (a.merits[rung - 1] ?? 0) || a.trial - b.trial);
    if (reached.length === 0) continue;
    const contenders = reached.flatMap(({ trial, merits, phase, rung: at }, index) =>
      phase === 'waiting' && at === rung
        ? [{ run_id: `run-${trial}`, trial, place: index + 1, value: merits[rung - 1] ?? 0 }]
        : [],
    );
    facts.push({ rung, reached: reached.length, contenders });
  }
  return facts;
}

const searches = fc.record({
  eta: fc.integer({ min: 2, max: 4 }),
  rungs: fc.integer({ min: 1, max: 4 }),
  slots: fc.integer({ min: 1, max: 5 }),
  merits: fc.array(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 4, maxLength: 4 }), {
    minLength: 1,
    maxLength: 30,
  }),
  order: fc.array(fc.nat(), { minLength: 200, maxLength: 200 }),
});

describe('decidePromotions', () => {
  it('promotes only from the best 1/eta then known, loses nobody, and leaves nobody that may go on', () => {
    fc.assert(
      fc.property(searches, ({ eta, rungs, slots, merits, order }) => {
        const trials = merits.map((each, trial): Trial => ({ trial, merits: each, rung: 0, phase: 'new' }));
        const open = () => trials.filter(({ phase }) => phase === 'running');
        const promotedFrom = new Map<number, Set<number>>();
        for (const pick of order) {
          // Promotions before new trials, as the sweep does it.
          for (const { run_id, rung, data } of decidePromotions(factsOf(trials, rungs), {
            eta,
            free: slots - open().length,
            closed: () => false,
          })) {
            const trial = trials[Number(run_id.slice(4))];
            if (trial === undefined) throw new Error(run_id);
            expect(trial).toMatchObject({ phase: 'waiting', rung });
            const { place, reached } = data as { place: number; reached: number };
            expect(place).toBeLessThanOrEqual(topOf(reached, eta));
            const before = promotedFrom.get(rung) ?? new Set();
            expect(before.has(trial.trial)).toBe(false);
            promotedFrom.set(rung, before.add(trial.trial));
            trial.phase = 'running';
          }
          expect(open().length).toBeLessThanOrEqual(slots);
          for (const trial of trials) {
            if (open().length >= slots) break;
            if (trial.phase === 'new') trial.phase = 'running';
          }
          const running = open();
          const ending = running[pick % Math.max(1, running.length)];
          if (ending === undefined) break;
          if (ending.rung === rungs) ending.phase = 'finished';
          else Object.assign(ending, { rung: ending.rung + 1, phase: 'waiting' });
        }
        const left = decidePromotions(factsOf(trials, rungs), { eta, free: 99, closed: () => false });
        if (open().length === 0 && trials.every(({ phase }) => phase !== 'new')) expect(left).toEqual([]);
        // At least the promised share of each rung went on.
        for (const { rung, reached } of factsOf(trials, rungs)) {
          if (open().length > 0) break;
          expect(promotedFrom.get(rung)?.size ?? 0).toBeGreaterThanOrEqual(topOf(reached, eta));
        }
      }),
    );
  });

  it('says the same whatever the order of rungs, the highest first, and never lets an unmeasured one on', () => {
    const rungs: RungFacts[] = [
      { rung: 1, reached: 4, contenders: [{ run_id: 'a', trial: 0, place: 2, value: 1 }] },
      {
        rung: 2,
        reached: 4,
        contenders: [
          { run_id: 'b', trial: 1, place: 1, value: 1 },
          { run_id: 'c', trial: 2, place: 2, value: null },
        ],
      },
    ];
    const ids = (given: readonly RungFacts[], free: number, closed = (_: number): boolean => false) =>
      decidePromotions(given, { eta: 2, free, closed }).map(({ run_id }) => run_id);
    expect(ids(rungs, 9)).toEqual(['b', 'a']);
    expect(ids([...rungs].reverse(), 1)).toEqual(['b']);
    expect(ids(rungs, 9, (rung) => rung === 2)).toEqual(['a']);
    expect(ids(rungs, 0)).toEqual([]);
    expect(ids(rungs, -3)).toEqual([]);
  });
});

describe('timerPicks', () => {
  it('picks the best 1/eta of a gate, and one at least', () => {
    const contenders = [1, 2, 3].map((place) => ({ run_id: `r${place}`, trial: place, place, value: 1 }));
    expect(timerPicks({ rung: 1, reached: 3, contenders }, 4).map(({ trial }) => trial)).toEqual([1]);
    expect(timerPicks({ rung: 1, reached: 5, contenders }, 2).map(({ trial }) => trial)).toEqual([1, 2]);
  });
});
