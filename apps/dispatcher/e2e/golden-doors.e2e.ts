import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Doors } from './doors.js';
import { openDoors } from './doors.js';
import type { Harness } from './harness.js';
import { freePort, pause, Program, root, startHarness } from './harness.js';

/**
 * Each drawing task from the command line to the store and back, by the real worker on the goldens' checkpoint with the
 * goldens' noise (python-worker/tests/golden_worker.py): the picture is the original code's.
 */
interface GoldenRequest {
  readonly task: 'text2img' | 'inpaint' | 'img2img';
  readonly sampler: string;
  readonly num_steps: number;
  readonly strength: number;
  readonly model: string;
  readonly prompt: string;
  readonly guidance_scale: number;
  readonly prior_steps: string;
  readonly prior_guidance_scale: number;
  readonly width: number;
  readonly height: number;
  readonly file: string;
}

const python = join(root, 'python-worker/.venv/bin/python');
const goldens = join(root, 'python-worker/tests/goldens');

let harness: Harness;
let doors: Doors;
let worker: Program;
let expected: string;
beforeAll(async () => {
  harness = await startHarness();
  expected = join(harness.folder, 'expected');
  const address = `127.0.0.1:${await freePort()}`;
  const script = join(root, 'python-worker/tests/golden_worker.py');
  const golden = ['--golden', join(goldens, 'kandinsky-2.1')];
  execFileSync(python, [script, ...golden, '--write-expected', expected], { stdio: 'ignore' });
  const log = join(harness.folder, 'golden-worker.log');
  worker = new Program(python, [script, ...golden, '--listen', address], {}, log);
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

function argumentsOf(request: GoldenRequest): string[] {
  const picture = ['--image', join(expected, 'picture.png')];
  const own = {
    text2img: ['generate', request.prompt],
    inpaint: ['inpaint', request.prompt, ...picture, '--mask', join(expected, 'mask.png')],
    img2img: ['img2img', request.prompt, ...picture, '--strength', String(request.strength)],
  }[request.task];
  const values = {
    '--model': request.model,
    '--sampler': request.sampler,
    '--num-steps': request.num_steps,
    '--guidance-scale': request.guidance_scale,
    '--prior-steps': request.prior_steps,
    '--prior-guidance-scale': request.prior_guidance_scale,
    '--width': request.width,
    '--height': request.height,
    '--count': 1,
    '--out': 'made',
  };
  return [
    ...own,
    ...Object.entries(values).flatMap(([flag, value]) => [flag, String(value)]),
    '--reference-quirks',
  ];
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

const cases: [GoldenRequest['task'], string][] = [
  ['text2img', 'p_sampler'],
  ['text2img', 'ddim_sampler'],
  ['text2img', 'plms_sampler'],
  ['inpaint', 'p_sampler'],
  ['inpaint', 'ddim_sampler'],
  ['img2img', 'ddim_sampler'],
];

describe("the original's pictures through every door", () => {
  it.each(cases)('%s by %s', { timeout: 120_000 }, async (task, sampler) => {
    const requests = JSON.parse(readFileSync(join(expected, 'requests.json'), 'utf8')) as GoldenRequest[];
    expect(requests).toHaveLength(cases.length);
    const request = requests.find((one) => one.task === task && one.sampler === sampler);
    if (request === undefined) throw new Error(`no golden of ${task} by ${sampler}`);
    const made = await doors.murnau(...argumentsOf(request));
    expect(made, made.stderr).toMatchObject({ code: 0 });
    const [path = ''] = made.stdout.trim().split('\n');
    expect(levelsApart(join(harness.folder, path), join(expected, request.file))).toBeLessThanOrEqual(1);
  });
});
