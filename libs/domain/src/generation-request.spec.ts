import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  drawingTasks,
  generationRequestSchema,
  inputsOf,
  textsOf,
  titleOf,
  wordsOf,
} from './generation-request.js';
import type { GenerationRequest } from './generation-request.js';
import { MurnauError } from './errors.js';
import { parse } from './parse.js';
import { respacingProblem } from './families/timestep-respacing.js';

const hash = (digit: string): string => digit.repeat(64);
const read = (value: unknown): GenerationRequest => parse(generationRequestSchema, value, 'request');
const refusal = (value: unknown): MurnauError => {
  try {
    read(value);
  } catch (error) {
    if (error instanceof MurnauError) return error;
  }
  throw new Error('not refused');
};
const draw = { task: 'text2img', prompt: 'a red cube' };
const examples: Record<string, object> = {
  text2img: draw,
  fuse: {
    task: 'fuse',
    items: [
      { text: 'a cat', weight: 0.3 },
      { image: hash('a'), weight: 0.7 },
    ],
  },
  inpaint: { ...draw, task: 'inpaint', image: hash('a'), mask: hash('b') },
  img2img: { ...draw, task: 'img2img', image: hash('a'), strength: 0.7 },
};

describe('a request', () => {
  it.each(drawingTasks)('of %s fills in what does not depend on the model, and nothing else', (task) => {
    expect(read(examples[task])).toEqual({
      ...examples[task],
      model: 'kandinsky-2.1-small',
      count: 4,
      seed: 0,
      sampler: 'ddim_sampler',
    });
  });

  it.each<[string, object, string, RegExp]>([
    [
      'no task',
      { prompt: 'x' },
      'task',
      /must be one of text2img, fuse, inpaint, img2img \(given: nothing\)/,
    ],
    ['an unknown task', { ...draw, task: 'outpaint' }, 'task', /must be one of .*given: outpaint/],
    ['steps 0', { ...draw, num_steps: 0 }, 'num_steps', /must be at least 1 \(given: 0\)/],
    ['steps 5000', { ...draw, num_steps: 5000 }, 'num_steps', /must be at most 1000 \(given: 5000\)/],
    ['an unknown sampler', { ...draw, sampler: 'ddpm' }, 'sampler', /plms_sampler.*given: ddpm/],
    [
      'a prompt that is too long',
      { ...draw, prompt: 'a'.repeat(10_001) },
      'prompt',
      /must have at most 10000/,
    ],
    ['an empty prompt', { ...draw, prompt: '' }, 'prompt', /must not be empty/],
    ['eta beside p_sampler', { ...draw, sampler: 'p_sampler', ddim_eta: 0.5 }, 'ddim_eta', /ddim_sampler/],
    ['eta above 1', { ...draw, ddim_eta: 1.5 }, 'ddim_eta', /must be at most 1/],
    ['65 pictures', { ...draw, count: 65 }, 'count', /must be at most 64/],
    ['a side of 0', { ...draw, width: 0 }, 'width', /must be at least 1/],
    ['weights that cancel', fused(0.5, -0.5), 'items', /do not sum to 0/],
    ['an item of nothing', { task: 'fuse', items: [{ weight: 1 }] }, 'items[0]', /either text or image/],
    ['no items', { task: 'fuse', items: [] }, 'items', /must have an entry/],
    ['a file name for a picture', { ...examples['img2img'], image: 'a.png' }, 'image', /hash of an uploaded/],
    ['strength 0', { ...examples['img2img'], strength: 0 }, 'strength', /must be above 0/],
    ['strength 1', { ...examples['img2img'], strength: 1 }, 'strength', /must be below 1/],
    ['a missing mask', { ...examples['inpaint'], mask: undefined }, 'mask', /is missing/],
  ])('with %s is refused by its field', (_, value, field, message) => {
    const error = refusal(value);
    expect(error).toMatchObject({ code: 'spec.invalid', field });
    expect(error.message).toMatch(message);
  });

  it('with a field of another task is told its own fields', () => {
    const error = refusal({ ...draw, strength: 0.5 });
    expect(error).toMatchObject({ field: 'strength', given: 'strength' });
    expect(error.allowed?.split(', ')).toContain('prompt');
    expect(error.allowed?.split(', ')).not.toContain('mask');
    expect(refusal({ ...draw, num_stepz: 3 }).message).toContain('did you mean "num_steps"');
    expect(refusal({ task: 'fuse', items: [{ txt: 'a', weight: 1 }] }).message).toContain(
      'did you mean "text"',
    );
  });

  it('takes every option at both ends of its range', () => {
    for (const side of [1, 4096]) {
      expect(read({ ...draw, width: side, height: side, num_steps: side === 1 ? 1 : 1000 })).toBeDefined();
    }
    expect(read({ ...draw, prompt: 'a'.repeat(10_000), ddim_eta: 1, count: 64 })).toBeDefined();
  });

  it('of any weights is taken unless they cancel', () => {
    const weight = fc.double({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(fc.array(weight, { minLength: 1, maxLength: 16 }), (weights) => {
        const sum = weights.reduce((total, one) => total + one, 0);
        const taken = generationRequestSchema.safeParse(fused(...weights)).success;
        expect(taken).toBe(Math.abs(sum) > 1e-6);
      }),
    );
  });

  it('names its inputs, texts and words', () => {
    const fuse = read({ ...examples['fuse'], negative_decoder_prompt: 'Blurry, cat' });
    expect(inputsOf(fuse)).toEqual([{ field: 'items[1].image', hash: hash('a') }]);
    expect(textsOf(fuse)).toEqual(['a cat', 'Blurry, cat']);
    expect(wordsOf(fuse)).toEqual(['a', 'cat', 'blurry']);
    expect(titleOf(fuse)).toBe('0.3 × a cat + 0.7 × a picture');
    expect(inputsOf(read(examples['inpaint'])).map(({ field }) => field)).toEqual(['image', 'mask']);
    expect(inputsOf(read(draw))).toEqual([]);
  });
});

function fused(...weights: number[]): object {
  return { task: 'fuse', items: weights.map((weight) => ({ text: 'a', weight })) };
}

describe('prior steps', () => {
  it.each(['1', '25', '1000', 'ddim25', 'ddim50', '10,5', '500,500', '334,333,333'])('take %s', (text) => {
    expect(read({ ...draw, prior_steps: text })).toMatchObject({ prior_steps: text });
  });

  it('take a number for its text', () => {
    expect(read({ ...draw, prior_steps: 25 })).toMatchObject({ prior_steps: '25' });
  });

  it.each<[unknown, RegExp]>([
    ['', /must be a count/],
    ['0', /must be a count/],
    [0, /must be a count/],
    [5000, /must be a count/],
    [2.5, /must be a count/],
    ['fast27', /must be a count/],
    ['ddim', /must be a count/],
    ['10,', /must be a count/],
    ['ddim45', /exactly 45 steps; nearest: ddim44, ddim46/],
    ['ddim999', /nearest: ddim500, ddim1000/],
    ['501,1', /section 1 of 2 must have 1 to 500/],
    ['335,1,1', /section 1 of 3 must have 1 to 334/],
    ['1,0', /section 2 of 2 must have 1 to 500/],
    [null, /must be a count/],
  ])('refuse %j', (prior_steps, message) => {
    const error = refusal({ ...draw, prior_steps });
    expect(error.field).toBe('prior_steps');
    expect(error.message).toMatch(message);
  });

  it('take ddimN exactly where an even stride gives N steps', () => {
    const reachable = new Set<number>();
    for (let stride = 1; stride < 1000; stride += 1) {
      let count = 0;
      for (let step = 0; step < 1000; step += stride) count += 1;
      reachable.add(count);
    }
    for (let count = 1; count <= 1000; count += 1) {
      expect(respacingProblem(`ddim${count}`, 1000) === undefined).toBe(reachable.has(count));
    }
  });
});
