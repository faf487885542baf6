// What a chaos run found, in one object.

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @typedef {NonNullable<Awaited<ReturnType<import('./inflict.mjs').inflict>>> & { is_alone: boolean }} Struck */

/** @param {readonly Struck[]} struck @param {(fault: Struck) => string} keyOf @param {'recovery_s' | 'takeover_s'} [field] */
export function recoveries(struck, keyOf, field = 'recovery_s') {
  const groups = new Map();
  for (const fault of struck) {
    if (fault[field] === null) continue;
    groups.set(keyOf(fault), [...(groups.get(keyOf(fault)) ?? []), fault[field]]);
  }
  return Object.fromEntries(
    [...groups]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([key, values]) => [
        key,
        {
          median: Math.round(median(values) * 1000) / 1000,
          max: Math.max(...values),
          count: values.length,
        },
      ]),
  );
}

/** @param {readonly Struck[]} struck @param {{ wrong: readonly string[], stepsRecomputed: number, bytesEqual: boolean, rounds: number }} found */
export function reportOf(struck, { wrong, stepsRecomputed, bytesEqual, rounds }) {
  const alone = struck.filter(({ is_alone: is }) => is);
  const kindOf = ({ part, how }) => `${part}_${how}`;
  const kills = {};
  for (const fault of struck) kills[kindOf(fault)] = (kills[kindOf(fault)] ?? 0) + 1;
  return {
    ok: wrong.length === 0,
    kills,
    /** Of faults that met no other fault still open; the others are below. */
    recovery_s: recoveries(alone, kindOf),
    recovery_among_others_s: recoveries(
      struck.filter(({ is_alone: is }) => !is),
      kindOf,
    ),
    takeover_s: recoveries(
      struck.filter(({ how, runs_hit: hit }) => how === 'stop' && hit > 0),
      kindOf,
      'takeover_s',
    ),
    recovery_by_moment_s: recoveries(
      alone.filter(({ how }) => how === 'kill'),
      ({ part, moment }) => `${part} at ${moment}`,
    ),
    steps_recomputed: stepsRecomputed,
    bytes_equal: bytesEqual,
    sweeps: 3 * rounds,
    ...(wrong.length > 0 && { wrong }),
  };
}
