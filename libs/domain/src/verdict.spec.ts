import { describe, expect, it } from 'vitest';
import { parse } from './parse.js';
import { trainingSpecSchema } from './training-spec.js';
import { judgedLines, verdictsOf } from './verdict.js';

const spec = parse(
  trainingSpecSchema,
  { placeholder_token: 'sapsan', initializer_token: 'vehicle', model: 'small' },
  'spec',
);
const judgement = { judge: 'conv-319', concept: 'purple car', baseline_word: 'car' };
const metrics = {
  image_alignment: 0.94,
  text_alignment: 0.5,
  baseline_image_alignment: 0.05,
  baseline_text_alignment: 0.81,
  fuse_image_alignment: 0.96,
  eval_loss: 0.08,
  baseline_eval_loss: 0.1,
};

describe('verdicts', () => {
  it('say of each baseline whether the embedding beats it, with the numbers', () => {
    expect(judgedLines({ spec, judgement, metrics })).toEqual([
      'sapsan beats the word "car" alone: image alignment 0.94 against 0.05; text alignment 0.50 against 0.81.',
      'sapsan does not beat the fused picture (the dataset\'s first with the text of "vehicle"): image alignment 0.94 against 0.96.',
      'Judged by conv-319, which takes the training pictures for "purple car".',
    ]);
    const equal = { ...metrics, fuse_image_alignment: 0.94 };
    expect(verdictsOf({ spec, judgement, metrics: equal }).map(({ beats }) => beats)).toEqual([true, false]);
  });

  it('are not there before the final pictures are', () => {
    expect(judgedLines({ spec, judgement: null, metrics: { image_alignment: 0.5 } })).toEqual([]);
  });

  it('say that nobody judges', () => {
    const nobody = { judge: '', concept: '', baseline_word: 'car' };
    const losses = { eval_loss: 0.12, baseline_eval_loss: 0.1 };
    expect(judgedLines({ spec, judgement: nobody, metrics: losses })).toEqual([
      'small has no judge, so nothing scores these pictures: compare them yourself. By eval loss sapsan does not beat the word "car": 0.1200 against 0.1000.',
    ]);
  });
});
