import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  distributions,
  maxTrials,
  presetNames,
  samplesSchema,
  sweepFileSchema,
  sweepMetrics,
} from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import { parseSweep } from './sweep-file.js';

const docs = await readFile(
  fileURLToPath(new URL('../../../../docs/sweep-file.md', import.meta.url)),
  'utf8',
);
/** First and last cells of the tables' rows whose first cell is a single word in code. */
const rows = new Map(
  [...docs.matchAll(/^\| `(\w+)` \|.*\|([^|]*)\|$/gm)].map(([, key = '', last = '']) => [key, last.trim()]),
);

describe('docs/sweep-file.md', () => {
  it('has an example of twelve trials', () => {
    const [, example = ''] = /```yaml\n([^`]*)```/.exec(docs) ?? [];
    expect(parseSweep(example, 'docs.yaml').trials).toHaveLength(12);
  });

  it('has every key of the file and of its samples, and no other', () => {
    const keys = [...Object.keys(sweepFileSchema.shape), ...Object.keys(samplesSchema.shape)];
    expect([...rows.keys()].sort()).toEqual([...new Set(keys)].sort());
  });

  it('has their defaults', () => {
    const file = sweepFileSchema.parse({
      name: 'a',
      dataset: 'b',
      parameters: { pair: { values: [{ placeholder: 'oktavo', initializer: 'fish' }] } },
    });
    const plain = (key: string): string => (rows.get(key) ?? '').replaceAll('`', '');
    const { metric, checkpoint, eval: evaluation, samples, ...others } = file;
    const numbers = Object.entries(others).filter(
      ([key, value]) => typeof value === 'number' && key !== 'seed',
    );
    for (const [key, value] of numbers) expect(plain(key), key).toBe(String(value));
    for (const key of ['model', 'method'] as const) expect(plain(key)).toBe(file[key]);
    expect(plain('metric')).toBe(`${metric.name}, ${metric.goal}`);
    expect(plain('checkpoint')).toBe(String(checkpoint.every_steps));
    expect(plain('eval')).toBe(String(evaluation.every_steps));
    for (const [key, value] of Object.entries(samples)) {
      expect(plain(key), key).toBe(Array.isArray(value) ? value.join(', ') : String(value));
    }
  });

  it('has every distribution, metric and preset and the most trials', () => {
    for (const word of [
      ...distributions.map((name) => `distribution: ${name},`),
      ...Object.keys(sweepMetrics),
      ...presetNames,
    ]) {
      expect(docs).toContain(word);
    }
    expect(docs).toContain(maxTrials.toLocaleString('en-US'));
  });
});
