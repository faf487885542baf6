import { describe, expect, it } from 'vitest';
import { expectedPictures } from './expected-pictures.js';
import { trainingSpecSchema } from './training-spec.js';

const spec = (samples: object) =>
  trainingSpecSchema.parse({
    model: 'small',
    placeholder_token: 'lumicar',
    initializer_token: 'car',
    max_steps: 100,
    samples,
  });

describe('the pictures that a run will draw', () => {
  it('are those on the way, for each prompt, and three times the final ones', () => {
    const samples = { prompts: ['a {placeholder}', 'the {placeholder}'], every_steps: 30, per_prompt: 2 };
    expect(expectedPictures(spec({ ...samples, final_count: 4 }))).toBe(3 * 2 * 2 + 3 * 4);
    expect(expectedPictures(spec({ ...samples, every_steps: 0, final_count: 4 }))).toBe(12);
  });
});
