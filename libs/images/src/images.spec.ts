import { describe, expect, it } from 'vitest';
import { checkPicture, contactSheet, ingest, probe, rendition, strip } from './index.js';
import { sharp } from './sharp.js';

/** A picture of noise, so that nothing compresses away. */
function noise(width: number, height: number, channels: 3 | 4 = 3) {
  const pixels = Buffer.from(
    Array.from({ length: width * height * channels }, (_, index) => (index * 7919) % 251),
  );
  return sharp(pixels, { raw: { width, height, channels } });
}
const png = (width: number, height: number) => noise(width, height).png().toBuffer();

/** Left half red, right half blue. */
function halves(size: number) {
  const half = { create: { width: size / 2, height: size, channels: 3 as const, background: '#0000ff' } };
  return sharp({ create: { width: size, height: size, channels: 3, background: '#ff0000' } }).composite([
    { input: half, left: size / 2, top: 0 },
  ]);
}

async function pixel(picture: Uint8Array, x: number, y: number): Promise<number[]> {
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (y * info.width + x) * info.channels;
  return [...data.subarray(at, at + 3)];
}

describe('checkPicture', () => {
  it.each(['png', 'jpeg', 'webp'] as const)('takes %s', async (format) => {
    const bytes = await noise(40, 50).toFormat(format).toBuffer();
    expect(await checkPicture(bytes, { name: 'a' })).toEqual({
      media_type: `image/${format}`,
      width: 40,
      height: 50,
      needs_conversion: false,
    });
  });

  it('refuses what is no picture, however it is called', async () => {
    for (const bytes of [Buffer.from('a text file'), Buffer.alloc(0), Buffer.from('<html></html>')]) {
      const refusal = checkPicture(bytes, { name: 'notes.jpg' });
      await expect(refusal).rejects.toMatchObject({ code: 'image.unreadable', field: 'notes.jpg' });
      await expect(refusal).rejects.toThrow(/^notes\.jpg is not a picture/);
    }
  });

  it('refuses a kind of picture that the worker does not read', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>');
    await expect(checkPicture(svg, { name: 'a.svg' })).rejects.toThrow(
      'a.svg is SVG; pictures must be PNG, JPEG or WebP.',
    );
    const gif = await noise(64, 64).gif().toBuffer();
    await expect(checkPicture(gif, { name: 'a.png' })).rejects.toMatchObject({ given: 'gif' });
  });

  it.each(['png', 'jpeg', 'webp'] as const)('refuses a %s that ends early', async (format) => {
    const bytes = await noise(128, 128).toFormat(format).toBuffer();
    for (const share of [0.95, 0.5]) {
      const part = bytes.subarray(0, Math.floor(bytes.length * share));
      await expect(checkPicture(part, { name: 'half' })).rejects.toMatchObject({
        code: 'image.unreadable',
        field: 'half',
      });
    }
  });

  it('says what is too small and too large', async () => {
    await expect(checkPicture(await png(31, 64), { name: 'a.png' })).rejects.toThrow(
      'a.png is 31×64 pixels; each side must have at least 32.',
    );
    expect(await checkPicture(await png(32, 32), { name: 'a.png' })).toMatchObject({ width: 32 });
    const huge = sharp({ create: { width: 8_200, height: 8_200, channels: 3, background: '#fff' } })
      .png()
      .toBuffer();
    await expect(checkPicture(await huge, { name: 'b.png' })).rejects.toMatchObject({
      code: 'image.too_large',
      given: '8200×8200',
    });
  });
});

describe('ingest', () => {
  it('keeps an ordinary picture byte for byte', async () => {
    const bytes = await png(64, 48);
    expect(await ingest(bytes, { name: 'a' })).toEqual({
      content: bytes,
      media_type: 'image/png',
      width: 64,
      height: 48,
    });
  });

  it('turns a picture upright', async () => {
    const lying = await halves(64).jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
    const { content, media_type } = await ingest(lying, { name: 'phone.jpg' });
    expect(media_type).toBe('image/png');
    const [top, bottom] = [await pixel(content, 32, 5), await pixel(content, 32, 60)];
    expect([top[0]! > 200, bottom[2]! > 200]).toEqual([true, true]);
    const wide = await noise(80, 40).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    expect(await ingest(wide, { name: 'a' })).toMatchObject({ width: 40, height: 80 });
  });

  it('lays a transparent picture on white, and makes grey and 16 bits ordinary', async () => {
    const clear = await sharp({
      create: { width: 40, height: 40, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    })
      .png()
      .toBuffer();
    expect(await pixel((await ingest(clear, { name: 'a' })).content, 3, 3)).toEqual([255, 255, 255]);
    const odd = [
      noise(40, 40).grayscale().png(),
      noise(40, 40).toColourspace('rgb16').png(),
      noise(40, 40).toColourspace('cmyk').jpeg(),
    ];
    for (const picture of odd) {
      const { content } = await ingest(await picture.toBuffer(), { name: 'a' });
      expect(await sharp(content).metadata()).toMatchObject({ channels: 3, depth: 'uchar', space: 'srgb' });
    }
  });
});

/** A baseline JPEG whose scan header says that its spectrum ends at 0, as some phones write it. */
async function oddScan(orientation: number): Promise<Buffer> {
  const bytes = await noise(96, 64).withMetadata({ orientation }).jpeg({ progressive: false }).toBuffer();
  const scan = bytes.indexOf(Buffer.from([0xff, 0xda])) + 2;
  bytes[scan + bytes.readUInt16BE(scan) - 2] = 0;
  return bytes;
}

describe('a picture that a decoder warns of', () => {
  it.each([1, 6])('is taken, and read wherever it is shown: orientation %i', async (orientation) => {
    const bytes = await oddScan(orientation);
    const sides = orientation === 1 ? { width: 96, height: 64 } : { width: 64, height: 96 };
    const { content, ...taken } = await ingest(bytes, { name: 'odd.jpg' });
    expect(taken).toMatchObject(sides);
    expect(await probe(await rendition(content, { format: 'webp' }))).toMatchObject(sides);
    const sheet = await contactSheet({
      title: 't',
      columns: ['a'],
      rows: [{ label: 'r', pictures: [content] }],
    });
    expect((await probe(sheet)).width).toBeGreaterThan(0);
  });
});

describe('rendition', () => {
  it.each([
    [64, 20_000],
    [20_000, 64],
  ])('of %i×%i fits into every format', async (width, height) => {
    const flat = { create: { width, height, channels: 3 as const, background: '#888888' } };
    const bytes = await sharp(flat).png().toBuffer();
    for (const format of ['webp', 'jpeg', 'png'] as const) {
      const small = await probe(await rendition(bytes, { width: 320, format }));
      expect(Math.max(small.width, small.height)).toBeLessThanOrEqual(16_383);
      expect(small.width).toBeLessThanOrEqual(320);
    }
  });

  it('shrinks, never enlarges, in each format', async () => {
    const bytes = await png(300, 200);
    expect(await probe(await rendition(bytes, { width: 150, format: 'webp' }))).toEqual({
      media_type: 'image/webp',
      width: 150,
      height: 100,
    });
    expect(await probe(await rendition(bytes, { width: 999, format: 'png' }))).toEqual({
      media_type: 'image/png',
      width: 300,
      height: 200,
    });
    expect(await probe(await rendition(bytes, { width: 64, format: 'avif' }))).toMatchObject({
      media_type: 'image/avif',
      width: 64,
    });
    expect(await probe(await rendition(bytes, { format: 'jpeg' }))).toMatchObject({
      media_type: 'image/jpeg',
      width: 300,
    });
  });

  it('of a small picture loses no pixel', async () => {
    const bytes = await png(64, 64);
    const webp = await rendition(bytes, { format: 'webp' });
    expect(await sharp(webp).raw().toBuffer()).toEqual(await sharp(bytes).raw().toBuffer());
  });
});

describe('contactSheet', () => {
  it('enlarges small pictures three times without smoothing', async () => {
    const bytes = await halves(64).png().toBuffer();
    const sheet = await contactSheet({ rows: [{ pictures: [bytes] }] });
    expect(await probe(sheet)).toMatchObject({ width: 192 + 48, height: 192 + 48 });
    expect(await pixel(sheet, 24 + 95, 100)).toEqual([255, 0, 0]);
    expect(await pixel(sheet, 24 + 96, 100)).toEqual([0, 0, 255]);
  });

  it('shrinks large ones and keeps their shape', async () => {
    const { width, height } = await probe(await strip([await png(1_000, 500), await png(1_000, 500)]));
    expect([width, height]).toEqual([24 + 256 + 6 + 256 + 24, 24 + 128 + 24]);
  });

  it('draws labels, on a machine without any font too', async () => {
    const picture = await png(64, 64);
    const bare = await contactSheet({ rows: [{ pictures: [picture] }] });
    const labelled = await contactSheet({
      title: 'sapsan pairs',
      subtitle: 'Скорый поезд — größer',
      columns: ['step 50'],
      rows: [{ label: ['trial-00', 'initializer=train'], pictures: [picture], captions: ['0.91'] }],
    });
    const [before, after] = [await probe(bare), await probe(labelled)];
    expect(after.width).toBeGreaterThan(before.width + 100);
    const strongInk = async (left: number, top: number, width: number, height: number) => {
      const part = await sharp(labelled).extract({ left, top, width, height }).greyscale().raw().toBuffer();
      return part.filter((value) => value < 80).length;
    };
    expect(await strongInk(24, 24, 200, 30)).toBeGreaterThan(300); // title
    expect(await strongInk(24, 100, 110, 60)).toBeGreaterThan(100); // row label
  });

  it('breaks long rows, leaves empty places empty and survives an empty sheet', async () => {
    const picture = await png(64, 64);
    const sheet = await contactSheet({ rows: [{ pictures: [picture, null, picture, picture] }], wrap: 2 });
    expect(await probe(sheet)).toMatchObject({ width: 48 + 2 * 192 + 6, height: 48 + 2 * 192 + 6 });
    expect(await pixel(sheet, 24 + 192 + 6 + 50, 24 + 50)).toEqual([0xe2, 0xe2, 0xe2]);
    expect((await probe(await contactSheet({ title: 'nothing yet', rows: [] }))).width).toBeGreaterThan(400);
  });

  it('of hundreds of pictures stays within what viewers open', async () => {
    const picture = await png(64, 64);
    const rows = Array.from({ length: 100 }, () => ({ pictures: [picture, picture] }));
    expect((await probe(await contactSheet({ rows }))).height).toBeLessThan(16_000);
  });
});
