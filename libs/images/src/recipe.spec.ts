import { deflateSync } from 'node:zlib';
import { generationRequestSchema, MurnauError, type Recipe } from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import { encodeChunk, readChunks } from './png-chunks.js';
import { readRecipe, writeRecipe } from './recipe.js';
import { sharp } from './sharp.js';

const png = await sharp({ create: { width: 16, height: 8, channels: 3, background: '#804020' } })
  .png()
  .toBuffer();
const recipe = (prompt: string): Recipe => ({
  recipe_version: 1,
  task: 'text2img',
  request: generationRequestSchema.parse({
    task: 'text2img',
    prompt,
    count: 1,
    seed: 9,
    prior_steps: '10,5',
  }),
  embeddings: [{ id: 'eb000001', hash: 'e'.repeat(64), placeholder_token: 'sapsan' }],
  inputs: [],
  model: { name: 'kandinsky-2.1-small', fingerprint: 'f'.repeat(64) },
  numeric_fingerprint: 'torch 2',
  worker_version: '0.1.0',
});
const failureOf = (read: () => unknown): MurnauError => {
  try {
    read();
  } catch (error) {
    if (error instanceof MurnauError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};
const read = (file: Uint8Array) => readRecipe(file, { name: 'a.png' });
const withText = (data: Buffer): Buffer =>
  Buffer.concat([png.subarray(0, 33), encodeChunk('iTXt', data), png.subarray(33)]);

describe('a recipe', () => {
  it.each(['a red cube', 'Скорый поезд «Сапсан» 🚄', 'x'.repeat(10_000)])(
    'of %j comes back',
    async (prompt) => {
      const written = writeRecipe(png, recipe(prompt));
      expect(read(written)).toEqual(recipe(prompt));
      expect(await sharp(written).raw().toBuffer()).toEqual(await sharp(png).raw().toBuffer());
      expect([...readChunks(written)].map(({ type }) => type).slice(0, 2)).toEqual(['IHDR', 'iTXt']);
    },
  );

  it('takes the place of an older one', () => {
    const twice = writeRecipe(writeRecipe(png, recipe('first')), recipe('second'));
    expect(twice).toEqual(writeRecipe(png, recipe('second')));
  });

  it('is the same bytes whatever the order of its keys', () => {
    const { request, ...rest } = recipe('x');
    const turned = Object.fromEntries(Object.entries(request).reverse()) as Recipe['request'];
    expect(writeRecipe(png, { request: turned, ...rest })).toEqual(writeRecipe(png, recipe('x')));
  });

  it('leaves other texts and what follows the end alone', () => {
    const other = withText(Buffer.from('Comment\0\0\0\0\0made by hand'));
    const file = Buffer.concat([other, Buffer.from('trailing')]);
    const written = writeRecipe(file, recipe('x'));
    expect(written.includes('made by hand')).toBe(true);
    expect(written.subarray(-8).toString()).toBe('trailing');
    expect(read(written)).toEqual(recipe('x'));
  });

  it('is read though another program compressed it', () => {
    const text = deflateSync(Buffer.from(JSON.stringify(recipe('squeezed'))));
    expect(read(withText(Buffer.concat([Buffer.from('murnau\0\u0001\0en\0\0', 'latin1'), text])))).toEqual(
      recipe('squeezed'),
    );
  });

  it('that is not there is said to be missing', () => {
    expect(failureOf(() => read(png))).toMatchObject({ code: 'recipe.missing', given: 'a.png' });
  });

  it.each<[string, Buffer]>([
    ['no JSON', Buffer.from('murnau\0\0\0\0\0not json')],
    [
      'another version',
      Buffer.from(`murnau\0\0\0\0\0${JSON.stringify({ ...recipe('x'), recipe_version: 2 })}`),
    ],
    ['no fields', Buffer.from('murnau\0\0\0\0\0{}')],
    ['a chunk that is cut short', Buffer.from('murnau\0\0\0en')],
    ['a compressed text that is none', Buffer.from('murnau\0\u0001\0\0\0zzzz', 'latin1')],
    [
      'a bomb',
      Buffer.concat([Buffer.from('murnau\0\u0001\0\0\0', 'latin1'), deflateSync(Buffer.alloc(9e6))]),
    ],
  ])('of %s is unreadable', (_, data) => {
    const error = failureOf(() => read(withText(data)));
    expect(error.code).toBe('recipe.unreadable');
    expect(error.message).toMatch(/^The recipe in a\.png cannot be read: /);
  });

  it('is not looked for in what is no PNG or a damaged one', async () => {
    const written = writeRecipe(png, recipe('x'));
    const flipped = Buffer.from(written);
    flipped[60] = (flipped[60] ?? 0) ^ 1;
    expect(failureOf(() => read(flipped)).message).toContain('chunk "iTXt" does not match its checksum');
    expect(failureOf(() => read(png.subarray(0, 20))).message).toContain('ends');
    expect(failureOf(() => read(written.subarray(0, 60))).message).toContain('ends within its chunk "iTXt"');
    expect(failureOf(() => read(Buffer.from('a text'))).code).toBe('image.unreadable');
    const jpeg = await sharp(png).jpeg().toBuffer();
    expect(failureOf(() => writeRecipe(jpeg, recipe('x')))).toMatchObject({ code: 'image.unreadable' });
  });

  it('is found by any cut of its file to be whole or broken, never half', () => {
    const written = writeRecipe(png, recipe('x'));
    const end = 33 + ([...readChunks(written)][1]?.data.length ?? 0) + 12;
    for (let length = 0; length < written.length; length += 7) {
      const cut = written.subarray(0, length);
      if (length >= end) expect(read(cut)).toEqual(recipe('x'));
      else expect(failureOf(() => read(cut)).code).toBe('image.unreadable');
    }
  });
});
