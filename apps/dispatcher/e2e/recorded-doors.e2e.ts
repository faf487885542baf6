import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Doors } from './doors.js';
import { openDoors } from './doors.js';
import type { Harness } from './harness.js';
import { freePort, pause, Program, root, startHarness } from './harness.js';

/**
 * The second family from the command line to the store and back, by the real worker on its goldens' checkpoint with the
 * goldens' noise (python-worker/tests/recorded_worker.py): each drawing is the original code's, and a word is learnt.
 */
interface RecordedRequest {
  readonly task: 'text2img' | 'inpaint' | 'img2img';
  readonly prompt: string;
  readonly model: string;
  readonly count: number;
  readonly seed: number;
  readonly num_steps: number;
  readonly guidance_scale: number;
  readonly sampler: string;
  readonly width: number;
  readonly height: number;
  readonly strength: number;
  readonly options: Readonly<Record<string, string | number | boolean>>;
  readonly files: readonly string[];
}

const python = join(root, 'python-worker/.venv/bin/python');
const script = join(root, 'python-worker/tests/recorded_worker.py');
const examples = join(root, 'examples/purple-car');

let harness: Harness;
let doors: Doors;
let worker: Program;
let expected: string;
beforeAll(async () => {
  harness = await startHarness();
  expected = join(harness.folder, 'expected');
  execFileSync(python, [script, '--write-expected', expected], { stdio: 'ignore' });
  const address = `127.0.0.1:${await freePort()}`;
  worker = new Program(python, [script, '--listen', address], {}, join(harness.folder, 'worker.log'));
  worker.start();
  harness.addDispatcher('golden', address);
  doors = await openDoors(harness);
  const isServed = async (): Promise<boolean> =>
    (await harness.store.workers.list()).some(({ name }) => name === 'golden');
  while (!(await isServed())) await pause(100);
}, 180_000);
afterAll(async () => {
  await doors.close();
  await worker.stop();
  await harness.stop();
});

function argumentsOf(request: RecordedRequest): string[] {
  const picture = ['--image', join(expected, 'picture.png')];
  const own = {
    text2img: ['generate', request.prompt],
    inpaint: ['inpaint', request.prompt, ...picture, '--mask', join(expected, 'mask.png')],
    img2img: ['img2img', request.prompt, ...picture, '--strength', String(request.strength)],
  }[request.task];
  const { model, count, seed, num_steps, guidance_scale, sampler, width, height } = request;
  const { reference_quirks, ...options } = request.options;
  const values = { model, count, seed, num_steps, guidance_scale, sampler, width, height, ...options };
  const flags = Object.entries(values).flatMap(([name, value]) => [
    `--${name.replaceAll('_', '-')}`,
    String(value),
  ]);
  // Its quirks are what the model draws with where nothing is asked for.
  expect(reference_quirks).toBe(true);
  return [...own, ...flags, '--out', 'made'];
}

/** Largest difference of two pictures' levels, 0 to 255. */
function levelsApart(one: string, other: string): number {
  const program = [
    'import sys, numpy',
    'from PIL import Image',
    "one, other = (numpy.asarray(Image.open(path).convert('RGB')).astype(int) for path in sys.argv[1:])",
    'print(abs(one - other).max() if one.shape == other.shape else 255)',
  ].join('\n');
  return Number(execFileSync(python, ['-c', program, one, other], { encoding: 'utf8' }));
}

describe("the original's pictures through every door", () => {
  it('of each recorded drawing', { timeout: 240_000 }, async () => {
    const requests = JSON.parse(readFileSync(join(expected, 'requests.json'), 'utf8')) as RecordedRequest[];
    expect(requests).toHaveLength(11);
    for (const request of requests) {
      const made = await doors.murnau(...argumentsOf(request));
      expect(made, made.stderr).toMatchObject({ code: 0 });
      const paths = made.stdout.trim().split('\n');
      for (const [place, file] of request.files.entries()) {
        const apart = levelsApart(join(harness.folder, paths[place] ?? ''), join(expected, file));
        expect(apart, file).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe('a word of the second family', () => {
  const common = ['--placeholder', 'lumicar', '--initializer', 's', '--model', 'golden'];
  const train = ['train', examples, ...common];

  it('is learnt by its preset, drawn, and exported', { timeout: 240_000 }, async () => {
    const settings = ['samples.final_count=1', 'samples.per_prompt=1', 'samples.num_steps=2'];
    const set = settings.flatMap((text) => ['--set', text]);
    const made = await doors.murnau(...train, '--preset', 'reference', '--max-steps', '2', ...set);
    expect(made, made.stderr).toMatchObject({ code: 0 });
    const ended = await harness.ended(made.stdout.trim(), 180_000);
    expect(ended).toMatchObject({
      phase: 'finished',
      failure: null,
      spec: { learning_rate_unit: 'absolute' },
    });
    expect(ended.spec).not.toHaveProperty('pooling');
    const kinds = (await harness.store.runs.samples(made.stdout.trim())).items.map(({ kind }) => kind);
    expect(kinds).toContain('baseline');
    expect(kinds).not.toContain('fuse_baseline');

    const prompt = ['generate', 'a photo of a lumicar', '--model', 'golden', '--num-steps', '2'];
    const drawn = await doors.murnau(...prompt, '--count', '1', '--seed', '5000', '--out', 'learnt');
    expect(drawn, drawn.stderr).toMatchObject({ code: 0 });
    const written = await doors.murnau('embeddings', 'export', 'lumicar', '--out', 'lumicar.safetensors');
    expect(written, written.stderr).toMatchObject({ code: 0 });
    const other = await doors.murnau('embeddings', 'export', 'lumicar', '--format', 'bin');
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/of kandinsky-2\.0 .*has no form "bin"/);
  });

  it.each([
    [[...train, '--objective', 'split'], /objective split means nothing .*kandinsky-2\.0, which has joint/],
    [[...train, '--pooling', 'argmax'], /pooling means nothing for a model of kandinsky-2\.0/],
    [
      ['fuse', '--text', 'a cat', '--weights', '1', '--model', 'golden'],
      /golden is a Kandinsky 2\.0, which does train, text2img, inpaint, img2img and no fuse/,
    ],
    [
      ['generate', 'a cat', '--prior-steps', '5', '--model', 'golden'],
      /prior_steps means nothing for a model of kandinsky-2\.0: only kandinsky-2\.1 has it/,
    ],
  ])('%j is refused before anything starts', { timeout: 60_000 }, async (args, message) => {
    const before = [await harness.store.generations.list(), await harness.store.runs.list()];
    const refused = await doors.murnau(...args);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(message);
    expect([await harness.store.generations.list(), await harness.store.runs.list()]).toEqual(before);
  });

  it('has its model listed with its family', async () => {
    const { stdout } = await doors.murnau('models', 'ls');
    expect(stdout).toMatch(
      /golden +kandinsky-2\.0 +t1 XLM-R, t2 mT5 +train, text2img, inpaint, img2img .*4 steps, guidance 7/,
    );
  });
});
