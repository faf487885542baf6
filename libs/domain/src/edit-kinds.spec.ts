import { expect, it } from 'vitest';
import { sweepEditKinds } from './edit-kinds.js';
import { sweepEditSchema } from './edits.js';

it('names every edit of a sweep', () => {
  expect(sweepEditKinds).toEqual(sweepEditSchema.options.map(({ shape }) => shape.kind.value));
});
