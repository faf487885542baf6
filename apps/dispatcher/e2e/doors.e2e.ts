import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRecipe } from '@murnau/images';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Doors } from './doors.js';
import { openDoors } from './doors.js';
import type { Harness } from './harness.js';
import { root, startHarness } from './harness.js';

/** Command line → HTTP → Temporal → dispatcher → worker → store, and the pictures back in a folder. */
let harness: Harness;
let doors: Doors;
beforeAll(async () => {
  harness = await startHarness({ stepMs: 5 });
  doors = await openDoors(harness);
});
afterAll(async () => {
  await doors.close();
  await harness.stop();
});

const examples = join(root, 'examples');
const picture = join(examples, 'purple-car/1.png');
const mask = join(examples, 'mask.png');
const common = ['--model', 'fake', '--count', '2', '--seed', '5', '--out', 'made'];
const commands: Record<string, string[]> = {
  text2img: ['generate', `a photo of a sapsan ${'and more '.repeat(50)}`],
  fuse: ['fuse', '--image', picture, '--text', 'a cat', '--weights', '0.3,0.7'],
  inpaint: ['inpaint', 'a red car', '--image', picture, '--mask', mask],
  img2img: ['img2img', 'a red car', '--image', picture, '--strength', '0.4'],
};

describe('through every door', () => {
  it.each(Object.keys(commands))('%s gives pictures that --from makes again', async (task) => {
    const made = await doors.murnau(...(commands[task] ?? []), ...common);
    expect(made, made.stderr).toMatchObject({ code: 0 });
    const [first = '', second = '', sheet = ''] = made.stdout.trim().split('\n');
    expect([second, sheet].map((path) => path.slice(-10))).toEqual(['seed-6.png', '-sheet.png']);
    const files = await Promise.all([first, second].map((path) => readFile(join(harness.folder, path))));
    const recipe = readRecipe(files[1] ?? Buffer.alloc(0), { name: second });
    expect(recipe).toMatchObject({ task, request: { seed: 6, count: 1, num_steps: 5, prior_steps: '3' } });

    const again = await doors.murnau('generate', '--from', second, '--out', 'again');
    expect(again, again.stderr).toMatchObject({ code: 0 });
    const [copy = ''] = again.stdout.trim().split('\n');
    expect((await readFile(join(harness.folder, copy))).equals(files[1] ?? Buffer.alloc(0))).toBe(true);
    if (task === 'text2img') expect(made.stderr).toContain('Note: The model reads 77');
  });

  it('refuses a mask of another size and leaves nothing behind', async () => {
    const before = await harness.store.generations.list();
    const turned = join(examples, '../docs/images/demo.png');
    const refused = await doors.murnau('inpaint', 'x', '--image', picture, '--mask', turned, ...common);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /The mask is \d+×\d+ pixels, its picture 192×192\n(.*\n)*.*mask\.wrong_size/,
    );
    expect(await harness.store.generations.list()).toEqual(before);
  });

  it('refuses a picture that was cut short', async () => {
    const whole = await readFile(picture);
    await writeFile(join(harness.folder, 'cut.png'), whole.subarray(0, Math.floor(whole.length / 2)));
    const refused = await doors.murnau('img2img', 'x', '--image', 'cut.png', ...common);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/cut\.png is damaged.*\n(.*\n)*.*image\.unreadable/);
  });

  it('lists the model with its tasks', async () => {
    const { stdout } = await doors.murnau('models', 'ls');
    expect(stdout).toMatch(
      /fake +kandinsky-2\.1 +t1 XLM-R, t2 CLIP +train, text2img, fuse, inpaint, img2img +64 px +float32 +1 of 7, 1\.0 MB/,
    );
  });
});
