import { describe, expect, it } from 'vitest';
import { checkProportions, ingestLossMask, ingestTrainingPicture, isTransparent } from './index.js';
import { sharp } from './sharp.js';

const ground = (background: { r: number; g: number; b: number; alpha: number }, width = 40, height = 32) =>
  sharp({ create: { width, height, channels: 4, background } });
const opaque = { r: 200, g: 100, b: 0, alpha: 1 };

describe('a picture to learn from', () => {
  it('keeps what is transparent, upright', async () => {
    const bytes = await ground({ ...opaque, alpha: 0.5 })
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const { content, width, height } = await ingestTrainingPicture(bytes, { name: 'a.png' });
    expect([width, height]).toEqual([32, 40]);
    expect(await isTransparent(content)).toBe(true);
  });

  it('is stored as ever where nothing of it is transparent', async () => {
    const bytes = await ground(opaque).png().toBuffer();
    const { content } = await ingestTrainingPicture(bytes, { name: 'a.png' });
    expect((await sharp(content).metadata()).hasAlpha).toBe(false);
    const plain = await ground(opaque).removeAlpha().png().toBuffer();
    expect((await ingestTrainingPicture(plain, { name: 'a.png' })).content).toEqual(plain);
  });
});

describe('a mask of a loss', () => {
  it('is grey in all its levels, black where it is transparent', async () => {
    const left = {
      input: await ground({ r: 90, g: 90, b: 90, alpha: 1 }, 20).png().toBuffer(),
      left: 0,
      top: 0,
    };
    const bytes = await ground({ r: 255, g: 255, b: 255, alpha: 0 }).composite([left]).png().toBuffer();
    const { content } = await ingestLossMask(bytes, { name: 'm.png' });
    const { data, info } = await sharp(content).raw().toBuffer({ resolveWithObject: true });
    expect([data[0], data[30 * info.channels]]).toEqual([90, 0]);
    expect((await ingestLossMask(content, { name: 'm.png' })).content).toEqual(content);
  });

  it('is refused where it is black all over, and where it is no picture', async () => {
    const black = await ground({ r: 0, g: 0, b: 0, alpha: 1 }).png().toBuffer();
    await expect(ingestLossMask(black, { name: 'm.png' })).rejects.toMatchObject({
      code: 'mask.all_black',
      field: 'm.png',
    });
    await expect(ingestLossMask(Buffer.from('x'), { name: 'm.png' })).rejects.toMatchObject({
      code: 'image.unreadable',
    });
  });

  it('has the proportions of its picture, but for a pixel', () => {
    const names = { mask: 'm.png', picture: 'a.png' };
    const picture = { width: 3000, height: 2000 };
    for (const [width, height] of [
      [3000, 2000],
      [64, 43],
      [64, 42],
      [6000, 4000],
    ] as const)
      expect(() => checkProportions({ width, height }, picture, names)).not.toThrow();
    for (const [width, height] of [
      [2000, 3000],
      [64, 64],
      [3000, 1990],
    ] as const)
      expect(() => checkProportions({ width, height }, picture, names)).toThrow(
        `m.png is ${width}×${height}, other proportions than those of a.png, 3000×2000.`,
      );
  });
});
