import { expect, it } from 'vitest';
import { csv } from './csv.js';

const cellOf = (value: unknown): string => csv([[value]]).slice(0, -2);

it.each([
  [null, ''],
  [undefined, ''],
  [0.5, '0.5'],
  [-0.5, '-0.5'],
  [-1e-7, '-1e-7'],
  ['-3', '-3'],
  ['+1e6', '+1e6'],
  [false, 'false'],
  ['a,b', '"a,b"'],
  ['say "a"', '"say ""a"""'],
  ['=1+2', "'=1+2"],
  ['+lumicar', "'+lumicar"],
  ['-lumicar', "'-lumicar"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['\r=1', '"\'\r=1"'],
  ['=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'],
  ['-1+cmd|x', "'-1+cmd|x"],
])('writes %j as %s', (value, written) => {
  expect(cellOf(value)).toBe(written);
});

it('leads every start of a formula with an apostrophe', () => {
  const starts = ['=', '+', '-', '@', '\t', '\r'];
  const rests = ['', ' ', '1+1', 'a', '"', ',', '-', '1e', '.', "'"];
  for (const text of starts.flatMap((start) => rests.map((rest) => start + rest)))
    expect(cellOf(text).replace(/^"/, '')).toMatch(/^'/);
});
