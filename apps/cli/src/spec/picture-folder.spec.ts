import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needsOfRun, needsOfSweep, sweepFileSchema } from '@murnau/domain';
import type { MurnauError } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aMask, aPicture } from '../testing/pictures.js';
import { checkReference, remarksOn } from './datasets.js';
import { badPictureRules, readPictureFolder } from './picture-folder.js';
import { resolveSweepDatasets } from './sweep-datasets.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'murnau-folder-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
async function folderOf(files: Readonly<Record<string, Buffer | string>>): Promise<string> {
  count += 1;
  const folder = join(root, String(count));
  await mkdir(folder);
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}
const refusal = (promise: Promise<unknown>): Promise<MurnauError> =>
  promise.then(
    () => {
      throw new Error('was not refused');
    },
    (error: unknown) => error as MurnauError,
  );
const whole = aPicture(1);
const caption = 'a {placeholder} on snow';

describe('a folder of pictures', () => {
  it('brings masks and captions along, in the order that a person counts', async () => {
    const folder = await folderOf({
      '10.png': aPicture(10),
      '9.png': aPicture(9, { at: (x, y) => [0, 0, 0, x === y ? 0 : 255] }),
      '9.mask.png': aMask(),
      '9.txt': '\ufeffa {placeholder}\n  on snow\n',
      'notes.txt': 'nothing of a picture',
    });
    const { pictures, skipped } = await readPictureFolder(folder);
    expect(skipped).toEqual([]);
    expect(
      pictures.map(({ name, mask, caption: text, is_transparent }) => [
        name,
        mask?.name ?? null,
        text,
        is_transparent,
      ]),
    ).toEqual([
      ['9.png', '9.mask.png', caption, true],
      ['10.png', null, null, false],
    ]);
  });

  it('takes a JPEG as Windows and older tools call it', async () => {
    const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0]);
    const folder = await folderOf({ '1.jfif': jpeg, '2.JPE': jpeg });
    const error = await refusal(readPictureFolder(folder));
    expect(error.message).toMatch(/2 of 2 files[^]*1\.jfif is not a picture[^]*2\.JPE is not a picture/);
  });

  it.each([
    ['a link to nothing', '4.png', '/nowhere.png', 'image.unreadable', /4\.png is a link to nothing/],
    ['a link to a folder', '4.png', '.', 'image.unreadable', /4\.png is a folder/],
    ['a link to itself', '4.png', '4.png', 'image.unreadable', /4\.png is a link to itself/],
  ])('names %s, and goes on without it', async (_, name, target, code, message) => {
    const folder = await folderOf({ '1.png': whole, '2.png': aPicture(2) });
    await symlink(target, join(folder, name));
    const error = await refusal(readPictureFolder(folder));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
    const { pictures, skipped } = await readPictureFolder(folder, 'skip');
    expect(skipped).toEqual([expect.stringMatching(message)]);
    expect(pictures.map((picture) => picture.name)).toContain('2.png');
  });

  it('names a caption that cannot be read, and goes on without it and with its picture', async () => {
    const folder = await folderOf({ '1.png': whole });
    await symlink('/nowhere', join(folder, '1.txt'));
    const error = await refusal(readPictureFolder(folder));
    expect([error.code, error.message]).toEqual([
      'caption.invalid',
      expect.stringMatching(/1\.txt is a link to nothing/),
    ]);
    const read = await readPictureFolder(folder, 'skip');
    expect(read.pictures.map(({ name, caption: kept }) => [name, kept])).toEqual([['1.png', null]]);
    expect(remarksOn({ kind: 'folder', ...read })[0]).toMatch(/^Caption left out: .*1\.txt/);
  });

  it('takes a mask of another size and the same proportions', async () => {
    const folder = await folderOf({
      '1.png': aPicture(1, { width: 90, height: 64 }),
      '1.mask.png': aMask(45, 32),
    });
    expect((await readPictureFolder(folder)).pictures).toHaveLength(1);
  });

  it.each<[string, string, Record<string, Buffer | string>, RegExp]>([
    [
      'a picture that ends early',
      'image.unreadable',
      { 'b.png': whole.subarray(0, 200) },
      /b\.png is damaged/,
    ],
    ['a small one', 'image.too_small', { 'b.png': aPicture(2, { width: 20 }) }, /b\.png is 20×40/],
    [
      'a mask of other proportions',
      'mask.wrong_size',
      { 'a.mask.png': aMask(60, 40) },
      /a\.mask\.png is 60×40/,
    ],
    [
      'an empty mask',
      'mask.all_black',
      { 'a.mask.png': aPicture(0, { at: () => [0] }) },
      /a\.mask\.png is black all over/,
    ],
    ['a mask that is none', 'image.unreadable', { 'a.mask.png': 'text' }, /a\.mask\.png is not a picture/],
    [
      'a mask without its picture',
      'mask.missing',
      { 'c.mask.png': aMask() },
      /c\.mask\.png is a mask with no/,
    ],
  ])('%s is refused, or left out', async (_, code, files, message) => {
    const folder = await folderOf({ 'a.png': whole, 'z.png': aPicture(3), ...files });
    const error = await refusal(readPictureFolder(folder));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    const read = await readPictureFolder(folder, 'skip');
    expect(read.skipped.join()).toMatch(message);
    expect(read.pictures.map(({ name }) => name)).toContain('z.png');
    expect(remarksOn({ kind: 'folder', ...read })[0]).toMatch(/^Left out: /);
  });

  it('pairs what is called alike, however its letters are written', async () => {
    const folder = await folderOf({
      'e\u0301.png': whole,
      '\u00e9.mask.png': aMask(),
      'E\u0301.txt': caption,
    });
    const { pictures } = await readPictureFolder(folder);
    expect(pictures.map(({ mask, caption: text }) => [mask?.name, text])).toEqual([
      ['\u00e9.mask.png', caption],
    ]);
  });

  it('names every bad file at once', async () => {
    const folder = await folderOf({
      'a.png': whole,
      'b.jpg': 'text',
      'c.png': '',
      'd.png': aPicture(4),
      'd.mask.png': 'text',
    });
    const error = await refusal(readPictureFolder(folder));
    for (const name of ['b.jpg', 'c.png', 'd.mask.png']) expect(error.message).toContain(name);
    expect(error.message).toMatch(/^3 of 5 files cannot be used; --on-bad-picture skip/);
  });

  it('is refused where none is left, and where there are too many', async () => {
    const folder = await folderOf({ 'a.png': 'text', 'b.mask.png': aMask() });
    expect((await refusal(readPictureFolder(folder, 'skip'))).code).toBe('dataset.empty');
    const many = Object.fromEntries(
      Array.from({ length: 3000 }, (_, index) => [`${index}.png`, 'never read']),
    );
    const error = await refusal(readPictureFolder(await folderOf(many)));
    expect([error.code, error.given]).toEqual(['dataset.too_large', '3000']);
    expect(error.kind.nextStep).toMatch(/best 256/);
  });

  it('of one picture is taken, with a word about it', async () => {
    const read = await readPictureFolder(await folderOf({ 'a.png': whole }));
    expect(remarksOn({ kind: 'folder', ...read })).toEqual([expect.stringMatching(/^One picture only/)]);
  });
});

describe('what a run reads', () => {
  const reference = async (files: Record<string, Buffer | string>) =>
    ({ kind: 'folder', ...(await readPictureFolder(await folderOf(files))) }) as const;
  const codeOf = (run: () => void): string | undefined => {
    try {
      run();
    } catch (error) {
      return (error as MurnauError).code;
    }
    return undefined;
  };

  it('must be in the folder', async () => {
    const bare = await reference({ 'a.png': whole, 'b.png': aPicture(2), 'b.txt': caption });
    const plain = needsOfRun({ templates: 'object', loss_mask: 'none' });
    expect(codeOf(() => checkReference(bare, plain))).toBeUndefined();
    expect(() => checkReference(bare, { ...plain, captions: true })).toThrow(/1 of 2 pictures.*: a\.png/);
    expect(codeOf(() => checkReference(bare, { ...plain, masks: true }))).toBe('mask.missing');
    expect(() => checkReference(bare, { ...plain, transparency: true })).toThrow(/no picture.*transparent/);
    const masked = await reference({ 'a.png': whole, 'b.png': aPicture(2), 'b.mask.png': aMask() });
    expect(codeOf(() => checkReference(masked, { ...plain, masks: true }))).toBeUndefined();
  });

  it.each<[string, Buffer | string, RegExp]>([
    ['without the word', 'a cat', /a\.txt has no \{placeholder\}/],
    ['that is empty', ' \n', /a\.txt is empty/],
    ['that is no text', Buffer.from([0xff, 0xfe, 0x20]), /not UTF-8/],
    ['with a control character', 'a {placeholder} \0 x', /a\.txt must not have \\u0000 in it/],
    ['that is long', `{placeholder}${'a'.repeat(500)}`, /513 characters/],
  ])(
    'a caption %s refuses the runs that read captions, and is left out for others',
    async (_, text, says) => {
      const folder = await folderOf({ 'a.png': whole, 'a.txt': text });
      for (const rule of badPictureRules) {
        const read = { kind: 'folder', ...(await readPictureFolder(folder, rule)) } as const;
        expect(read.pictures.map(({ name, caption: kept }) => [name, kept])).toEqual([['a.png', null]]);
        expect(remarksOn(read)[0]).toMatch(/^Caption left out: /);
        expect(remarksOn(read)[0]).toMatch(says);
        const plain = needsOfRun({ templates: 'object', loss_mask: 'none' });
        expect(codeOf(() => checkReference(read, plain))).toBeUndefined();
        expect(codeOf(() => checkReference(read, { ...plain, captions: true }))).toBe('caption.invalid');
        expect(() => checkReference(read, { ...plain, captions: true })).toThrow(says);
      }
    },
  );

  it('is what any trial of a sweep may draw', async () => {
    const file = sweepFileSchema.parse({
      name: 'a',
      dataset: await folderOf({ 'a.png': whole }),
      method: 'tpe',
      run_cap: 2,
      parameters: {
        pair: { values: [{ placeholder: 'oktavo', initializer: 'fish' }] },
        templates: { values: ['object', 'captions'] },
        loss_mask: { value: 'none' },
      },
    });
    expect(needsOfSweep(file)).toEqual({ captions: true, masks: false, transparency: false });
    const error = await refusal(resolveSweepDatasets({ file, folder: root, trials: [] }));
    expect([error.code, error.field]).toEqual(['caption.missing', 'dataset']);
  });
});
