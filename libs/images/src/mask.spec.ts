import { describe, expect, it } from 'vitest';
import { checkMask, ingestMask } from './mask.js';
import { sharp } from './sharp.js';

const size = { width: 40, height: 32 };

/** Each pixel by its place: 1 to 4 values. */
function drawn(at: (x: number, y: number) => number[]) {
  const pixels = Array.from({ length: size.width * size.height }, (_, index) =>
    at(index % size.width, Math.floor(index / size.width)),
  );
  const channels = (pixels[0]?.length ?? 1) as 1 | 2 | 3 | 4;
  return sharp(Buffer.from(pixels.flat()), { raw: { ...size, channels } });
}
const left = (x: number): boolean => x < 10;
const ingested = async (picture: Buffer) => {
  const { content, ...facts } = await ingestMask(picture, { name: 'mask.png' });
  const { data, info } = await sharp(content).raw().toBuffer({ resolveWithObject: true });
  const values = Array.from(
    { length: data.length / info.channels },
    (_, index) => data[index * info.channels],
  );
  return { content, facts, values };
};

describe('ingestMask', () => {
  it('makes 8-bit grey of 0 and 255, black where it repaints', async () => {
    const { content, facts, values } = await ingested(
      await drawn((x) => (left(x) ? [10, 0, 0] : [250, 255, 255]))
        .png()
        .toBuffer(),
    );
    expect(facts).toEqual({ media_type: 'image/png', ...size, repainted: 0.25 });
    expect(await sharp(content).metadata()).toMatchObject({ format: 'png', channels: 1, depth: 'uchar' });
    expect([values[9], values[10]]).toEqual([0, 255]);
  });

  it('divides grey at 128', async () => {
    const { values } = await ingested(
      await drawn((x) => [left(x) ? 127 : 128])
        .toColourspace('b-w')
        .png()
        .toBuffer(),
    );
    expect([values[0], values[39]]).toEqual([0, 255]);
  });

  it('takes transparency for what to repaint, whatever colour lies under it', async () => {
    const { facts, values } = await ingested(
      await drawn((x) => [255, 255, 255, left(x) ? 0 : 255])
        .png()
        .toBuffer(),
    );
    expect(facts.repainted).toBe(0.25);
    expect([values[0], values[39]]).toEqual([0, 255]);
  });

  it('leaves its own work as it is, byte for byte', async () => {
    const { content } = await ingested(
      await drawn((x, y) => [(x * y) % 256])
        .png()
        .toBuffer(),
    );
    expect((await ingestMask(content, { name: 'again' })).content).toEqual(content);
  });

  it.each(['rgb16', 'grey16'] as const)('reads %s', async (space) => {
    const deep = await drawn((x) => (left(x) ? [120, 120, 120] : [140, 140, 140]))
      .toColourspace(space)
      .png()
      .toBuffer();
    const { facts, values } = await ingested(deep);
    expect(facts.repainted).toBe(0.25);
    expect([values[0], values[39]]).toEqual([0, 255]);
  });

  it('turns a lying mask upright', async () => {
    const turned = await drawn((x) => (left(x) ? [0, 0, 0] : [255, 255, 255]))
      .jpeg({ quality: 100 })
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const { facts, values } = await ingested(turned);
    expect(facts).toMatchObject({ width: 32, height: 40 });
    expect([values[0], values.at(-1)]).toEqual([0, 255]);
  });

  it('refuses what is no picture', async () => {
    await expect(ingestMask(Buffer.from('a mask'), { name: 'mask.png' })).rejects.toMatchObject({
      code: 'image.unreadable',
      field: 'mask.png',
    });
  });
});

describe('checkMask', () => {
  it('names both sizes', () => {
    expect(() => checkMask({ ...size, repainted: 0.5 }, { width: 64, height: 64 }, 'mask')).toThrow(
      'The mask is 40×32 pixels, its picture 64×64.',
    );
  });

  it('refuses one that repaints nothing, and takes one that repaints all', () => {
    expect(() => checkMask({ ...size, repainted: 0 }, size, 'mask')).toThrow(/keeps the whole picture/);
    expect(() => checkMask({ ...size, repainted: 1 }, size, 'mask')).not.toThrow();
  });
});
