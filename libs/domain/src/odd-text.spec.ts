import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findOddText, withOddEscaped } from './odd-text.js';

const odd = fc.oneof(
  fc
    .integer({ min: 0, max: 0x9f })
    .filter((code) => (code < 0x20 && code !== 9 && code !== 10) || code >= 0x7f)
    .map((code) => String.fromCharCode(code)),
  fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCharCode(code)),
);
const whole = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .filter((text) => ![...text].some((character) => /\p{Cc}/u.test(character)));

describe('findOddText', () => {
  it('takes every whole text: accents apart, right to left, emoji, newlines and tabs', () => {
    for (const text of ['Schlo\u0308ss', 'עברית', '一只lumicar', '👩‍👩‍👧', 'a\n\tb', ' ', ''])
      expect([text, findOddText({ text })]).toEqual([text, undefined]);
    fc.assert(fc.property(whole, (text) => findOddText([{ text }]) === undefined));
  });

  it('finds a control character or half of a pair wherever it stands, and says where', () => {
    fc.assert(
      fc.property(whole, odd, whole, (before, character, after) => {
        // A half beside the other half would be whole.
        fc.pre(!/[\ud800-\udfff]$/.test(before) && !/^[\ud800-\udfff]/.test(after));
        const text = before + character + after;
        const found = findOddText({ pairs: ['fine', { why: text }] });
        expect(found?.path).toEqual(['pairs', 1, 'why']);
        expect(found?.problem).toContain(`\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
        expect(findOddText(found?.given)).toBeUndefined();
      }),
    );
  });

  it('looks at keys too, and not into bytes', () => {
    expect(findOddText({ 'a\u0000': 1 })).toMatchObject({ path: [], given: 'a\\u0000' });
    expect(findOddText({ bytes: Buffer.from([0, 1]) })).toBeUndefined();
    for (const value of [null, undefined, 3, true, 10n]) expect(findOddText(value)).toBeUndefined();
  });

  it('stays fast on a megabyte', () => {
    const text = 'ä'.repeat(1_000_000);
    expect(findOddText({ text })).toBeUndefined();
    expect(withOddEscaped(text)).toBe(text);
  });
});
