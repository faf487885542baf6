import { describe, expect, it } from 'vitest';
import {
  byteLength,
  cutToBytes,
  factLine,
  pairsText,
  parameterText,
  plain,
  roundedMetric,
} from './board-text.js';

it('numbers are as short as they can be told apart', () => {
  expect(parameterText('learning_rate_t1', 0.11215667887409485)).toBe('learning_rate_t1 0.112');
  expect(parameterText('max_steps', 12_345)).toBe('max_steps 12345');
  expect(parameterText('objective', 'joint')).toBe('objective joint');
  expect(roundedMetric(0.997_203_014)).toBe(0.9972);
  expect(roundedMetric(undefined)).toBeNull();
});

it('words are named once, with what they start from', () => {
  const pair = (placeholder: string, initializer: string) => ({ placeholder, initializer });
  expect(pairsText([pair('lumicar', 'car'), pair('lumicar', 'purple')])).toBe('lumicar from “car”, “purple”');
  expect(pairsText([pair('a', 'x'), pair('b', 'y')])).toBe('a from “x” · b from “y”');
  const many = ['one', 'two', 'three', 'four', 'five', 'six'].map((word) => pair('a', word));
  expect(pairsText(many)).toBe('a from “one”, “two”, “three”, “four” and 2 more');
});

describe('what people gave', () => {
  it.each([
    ['[x](http://evil)', '\\[x\\](http://evil)'],
    ['**bold**', '\\*\\*bold\\*\\*'],
    ['`code`', '\\`code\\`'],
    ['one\ntwo\r\n\tthree', 'one two three'],
    ['<img src=x>', '\\<img src=x\\>'],
    ['a &amp; b', 'a \\&amp; b'],
    ['a\\b', 'a\\\\b'],
    ['_all_', '\\_all\\_'],
    ['warm_joint', 'warm_joint'],
    ['kandinsky-2.1 ~~gone~~', 'kandinsky-2.1 \\~\\~gone\\~\\~'],
  ])('shows %j as itself', (text, markdown) => {
    expect(plain(text)).toBe(markdown);
    expect(factLine('name', text)).toBe(`- name: **${markdown}**`);
    expect(parameterText('name', text)).toBe(`name ${markdown}`);
    expect(pairsText([{ placeholder: text, initializer: text }])).toBe(`${markdown} from “${markdown}”`);
  });
});

describe('a text for which there is too little room', () => {
  const letters = ['a', 'ä', 'a\u0308', '一', '👩‍👩‍👧', '🇩🇪', 'ש\u05b8'];

  it.each(letters)('is cut behind a whole letter: %s', (letter) => {
    const text = letter.repeat(40);
    for (let most = 0; most <= byteLength(text); most += 1) {
      const cut = cutToBytes(text, most);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(most);
      expect(cut).toBe(letter.repeat(Math.floor(most / Buffer.byteLength(letter))));
    }
  });

  it('says so where it is told to, within its bytes', () => {
    expect(cutToBytes('ääääää', 8, '…')).toBe('ää…');
    expect(cutToBytes('ääää', 8, '…')).toBe('ääää');
  });

  it('is counted as it is sent', () => {
    for (const text of [...letters, 'plain', '']) expect(byteLength(text)).toBe(Buffer.byteLength(text));
  });
});
