import { describe, expect, it } from 'vitest';
import { nearest } from './nearest.js';

describe('nearest', () => {
  const known = ['learning_rate_t1', 'learning_rate_t2', 'seed'];

  it('finds what was meant, and nothing for what is like none', () => {
    expect(nearest('learning_rate_t3', known)).toMatch(/^learning_rate_t[12]$/);
    expect(nearest('sede', known)).toBe('seed');
    expect(nearest('quite another', known)).toBeUndefined();
  });

  it('compares no text of a megabyte: its time would grow with its length', () => {
    expect(nearest('x'.repeat(1_000_000), known)).toBeUndefined();
    expect(nearest(`seed${'x'.repeat(1_000_000)}`, known)).toBeUndefined();
  });
});
