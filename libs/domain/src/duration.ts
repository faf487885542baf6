import { z } from 'zod';

const secondsOfUnit: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const pattern = /^(\d+(?:\.\d+)?)\s*(s|m|h|d)$/;

/** Seconds of `90s`, `15m`, `48h` or `2d`; undefined for anything else. */
export function durationSeconds(text: string): number | undefined {
  const [, amount, unit = ''] = pattern.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * (secondsOfUnit[unit] ?? Number.NaN);
}

const longestDays = 365;

/** A length of time with its unit, above zero and at most a year. */
export const durationSchema = z.string().refine(
  (text) => {
    const seconds = durationSeconds(text);
    return seconds !== undefined && seconds > 0 && seconds <= longestDays * 86_400;
  },
  { error: `must be a time with its unit, above 0 and at most ${longestDays}d: 90s, 15m, 48h or 2d` },
);
