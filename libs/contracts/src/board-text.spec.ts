import { expect, it } from 'vitest';
import { pairsText, parameterText, roundedMetric } from './board-text.js';

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
