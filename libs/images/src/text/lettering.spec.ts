import { describe, expect, it } from 'vitest';
import { drawLine, measure, shorten, wrap } from './lettering.js';

const lettering = { size: 14, weight: 400 as const };

describe('lettering', () => {
  it('measures like the typeface', () => {
    expect(measure('', lettering)).toBe(0);
    expect(measure('step 100', lettering)).toBeGreaterThan(50);
    expect(measure('iii', lettering)).toBeLessThan(measure('mmm', lettering));
    expect(measure('abc', { size: 28, weight: 400 })).toBeCloseTo(2 * measure('abc', lettering));
  });

  it('shortens to what fits, and wraps at spaces', () => {
    const short = shorten('a very long caption', 60, lettering);
    expect(short.endsWith('…')).toBe(true);
    expect(measure(short, lettering)).toBeLessThanOrEqual(60);
    expect(shorten('short', 60, lettering)).toBe('short');
    expect(wrap('learning_rate_t1 = 0.05 and more', 120, lettering).join(' ')).toBe(
      'learning_rate_t1 = 0.05 and more',
    );
    expect(wrap('', 10, lettering)).toEqual(['']);
  });

  it('has an outline for every letter of our languages, and a question mark for the rest', () => {
    for (const character of 'azAZ09_.,:;=+-×·…éßñÄłřЖжщё%()[]{}') {
      expect(drawLine(character, 0, 0, { ...lettering, color: '#000' })).toContain('<path');
    }
    expect(measure('語', lettering)).toBe(measure('?', lettering));
    expect(measure('a → b', lettering)).toBe(measure('a -> b', lettering));
  });
});
