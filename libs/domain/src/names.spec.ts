import { describe, expect, it } from 'vitest';
import { createDatasetSchema, createRunSchema, forkRunSchema } from './api.js';
import { parse } from './parse.js';
import { sweepFileSchema } from './sweep-file.js';

const words = { placeholder_token: 'sapsan', initializer_token: 'train' };
const pair = { values: [{ placeholder: 'sapsan', initializer: 'train' }] };

/** Every door that a name comes in by. */
const doors = {
  dataset: (name: string) =>
    parse(createDatasetSchema, { name, images: [{ hash: 'h', name: '1.png' }] }, 'request'),
  'picture of a dataset': (name: string) =>
    parse(createDatasetSchema, { name: 'things', images: [{ hash: 'h', name }] }, 'request'),
  run: (name: string) => parse(createRunSchema, { name, dataset_id: 'd', spec: words }, 'request'),
  fork: (name: string) => parse(forkRunSchema, { name }, 'request'),
  sweep: (name: string) => parse(sweepFileSchema, { name, dataset: 'd', parameters: { pair } }, 'sweep file'),
};

describe.each(Object.entries(doors))('the name of a %s', (_, take) => {
  it.each([
    ['nothing', ''],
    ['spaces', '   '],
    ['tabs and line breaks', '\t\n '],
    ['spaces of another width', '\u2003\u00a0'],
  ])('is refused when it is %s', (_what, name) => {
    expect(() => take(name)).toThrowError(
      expect.objectContaining({ code: 'spec.invalid', field: expect.stringMatching(/name$/) }),
    );
  });

  it('is refused when it has too many bytes, however few characters these are', () => {
    expect(() => take('\u{1f600}'.repeat(64))).toThrowError(/bytes in UTF-8/);
    take('名'.repeat(80));
  });
});
