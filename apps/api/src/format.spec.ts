import { expect, it } from 'vitest';
import { ago, bytes, duration, number, percent } from './format.js';

it('writes numbers, sizes and times for people', () => {
  expect([0.04312, 12.3456, 1234.5, 0.00001, 200, 0, -0.5].map(number)).toEqual([
    '0.0431',
    '12.35',
    '1,235',
    '1.00e-5',
    '200',
    '0',
    '-0.5',
  ]);
  expect([0, 512, 2048, 1.3e9].map(bytes)).toEqual(['0 B', '512 B', '2 KiB', '1.21 GiB']);
  expect([900, 61_000, 120_000, 7_500_000, 3e8].map(duration)).toEqual([
    '1 s',
    '1 min 1 s',
    '2 min',
    '2 h 5 min',
    '3 days',
  ]);
  expect(ago('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:01Z'))).toBe('just now');
  expect(percent(199, 200)).toBe('99 %');
});
