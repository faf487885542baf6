import { readFileSync } from 'node:fs';
import { hyperparametersSchema, presetValues } from '@murnau/domain';
import { describe, expect, it } from 'vitest';

const plans = readFileSync(
  new URL('../../../../python-worker/benchmarks/quality_plans.py', import.meta.url),
  'utf8',
);

/** The entries of one of its dictionaries of plain values. */
function entriesOf(name: string): [string, unknown][] {
  const body = new RegExp(`^${name}: Changes = \\{(.*?)^\\}`, 'ms').exec(plans)?.[1] ?? '';
  return [...body.matchAll(/"(\w+)": (.+),$/gm)].map(([, key = '', value = '']) => [key, JSON.parse(value)]);
}

describe('the quality benchmark trains', () => {
  it.each([
    ['REFERENCE', hyperparametersSchema.parse(presetValues('reference'))],
    ['DEFAULTS', hyperparametersSchema.parse({})],
  ])('%s as the product does', (name, given) => {
    const entries = entriesOf(name);
    expect(entries.length).toBeGreaterThan(5);
    const wanted: Record<string, unknown> = { ...given, schedule_steps: given.max_steps };
    for (const [key, value] of entries) expect(value, key).toEqual(wanted[key]);
  });
});
