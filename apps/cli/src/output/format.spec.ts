import { describe, expect, it } from 'vitest';
import { bar } from './bar.js';
import { ago, bytes, duration, metric, parameter, plural } from './format.js';
import { tableLines } from './table.js';
import { truncate, visibleWidth } from './text.js';
import pico from 'picocolors';

const plain = pico.createColors(false);
const coloured = pico.createColors(true);

describe('format', () => {
  it.each([
    [0.04, '0.0 s'],
    [4.26, '4.3 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [60, '1 min 00 s'],
    [3599, '59 min 59 s'],
    [3600, '1 h 00 min'],
    [90_000, '1 d 1 h'],
    [Number.NaN, '–'],
  ])('duration %s', (seconds, text) => expect(duration(seconds)).toBe(text));

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1500, '1.5 kB'],
    [999_600, '1.0 MB'],
    [15_000_000, '15.0 MB'],
    [2.5e11, '250 GB'],
  ])('bytes %s', (count, text) => expect(bytes(count)).toBe(text));

  it('gives a gain its sign, a small score its exponent and an absent one a dash', () => {
    expect(metric('eval_gain', 0.1234)).toBe('+0.123');
    expect(metric('eval_gain', -0.1)).toBe('-0.100');
    expect(metric('eval_loss', 0.00012)).toBe('1.2e-4');
    expect(metric('eval_loss', undefined)).toBe('–');
  });

  it('shortens what a person compares', () => {
    expect(parameter(0.1 + 0.2)).toBe('0.3');
    expect(parameter(0.0123456)).toBe('0.0123');
    expect(parameter(true)).toBe('true');
    expect(plural(1, 'trial')).toBe('1 trial');
    expect(plural(2, 'trial')).toBe('2 trials');
    expect(ago('2026-01-01T00:00:00Z', Date.parse('2026-01-01T02:00:00Z'))).toBe('2 h ago');
  });
});

describe('bar', () => {
  it('fills from left to right and never leaves its width', () => {
    expect(bar(0, 4)).toBe('░░░░');
    expect(bar(0.5, 4)).toBe('██░░');
    expect(bar(2, 4)).toBe('████');
    expect(bar(Number.NaN, 4)).toBe('░░░░');
    for (let percent = -10; percent <= 110; percent += 1) {
      expect(Array.from(bar(percent / 100, 7))).toHaveLength(7);
    }
  });
});

describe('table', () => {
  it('aligns by what is seen, not by colour codes', () => {
    const rows = [
      { name: coloured.green('fine'), count: 7 },
      { name: 'longer name', count: 1234 },
    ];
    const lines = tableLines(
      rows,
      [
        { title: 'name', cell: ({ name }) => name },
        { title: 'count', align: 'right', cell: ({ count }) => String(count) },
      ],
      plain,
    );
    expect(lines[0]).toBe('name         count');
    expect(lines.map(visibleWidth)).toEqual([18, 18, 18]);
  });
});

describe('truncate', () => {
  it('keeps colour codes whole and closes them', () => {
    expect(truncate('short', 10)).toBe('short');
    expect(truncate('a longer text', 8)).toBe('a longe…');
    const cut = truncate(coloured.red('a longer text'), 8);
    expect(visibleWidth(cut)).toBe(8);
    expect(cut.endsWith('\u001b[0m')).toBe(true);
  });

  it('counts a wide letter as two columns', () => {
    expect(visibleWidth('星の絵.png')).toBe(10);
    expect(truncate('星の絵.png', 6)).toBe('星の…');
    expect(truncate('星の絵.png', 10)).toBe('星の絵.png');
  });
});
