import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { chooseModels } from './commands/up/index.js';
import { fakeApi } from './testing/fake-api.js';
import { runHere } from './testing/run-here.js';

let home: string;
let model: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'murnau-home-'));
  model = join(home, 'original');
  await mkdir(join(model, '2_1'), { recursive: true });
  await writeFile(join(model, '2_1', 'decoder_fp16.ckpt'), '');
});
afterEach(() => rm(home, { recursive: true, force: true }));
const here = (...args: string[]) => runHere(['models', ...args], { MURNAU_HOME: home });
const busyMs = 20_000;

describe('models add and rm', () => {
  it('write the registry, and say what to do next', { timeout: busyMs }, async () => {
    const flags = ['--dtype', 'float16', '--device', 'cuda', '--offload', 'parts', '--checkpointing', 'on'];
    const added = await here('add', 'kandinsky-2.1', model, ...flags);
    expect(added).toMatchObject({
      exitCode: 0,
      stdout: 'kandinsky-2.1\n',
      stderr: expect.stringMatching(/murnau up/),
    });
    const registry: unknown = parse(await readFile(join(home, 'models.yaml'), 'utf8'));
    expect(registry).toEqual({
      models: {
        'kandinsky-2.1': {
          family: 'kandinsky-2.1',
          path: model,
          dtype: 'float16',
          device: 'cuda',
          offload: 'parts',
          checkpointing: 'on',
        },
      },
    });
    expect(await here('rm', 'kandinsky-2.1')).toMatchObject({ exitCode: 0, stdout: 'kandinsky-2.1\n' });
    expect(await here('rm', 'kandinsky-2.1')).toMatchObject({
      exitCode: 102,
      stderr: expect.stringMatching(/model\.not_registered/),
    });
  });

  it.each<[string, string[], RegExp]>([
    ['a folder that is no model', ['add', 'a', '.'], /has neither.*\n(.*\n)*.*model\.not_a_model/],
    ['a folder that is not there', ['add', 'a', './nowhere'], /is not there/],
    [
      'a name that ships',
      ['add', 'kandinsky-2.1-small', '.'],
      /There is a model "kandinsky-2\.1-small" already/,
    ],
    ['a name with capitals', ['add', 'Mine', '.'], /must be a model name such as kandinsky-2\.1/],
    [
      'an unknown dtype',
      ['add', 'a', '.', '--dtype', 'int8'],
      /choices are auto, float32, bfloat16, float16/,
    ],
    ['a conversion of no model', ['convert', '.', './out'], /has neither/],
  ])('refuse %s', { timeout: busyMs }, async (_, args, message) => {
    const { exitCode, stderr, stdout } = await here(...args);
    expect(stderr).toMatch(message);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });
});

describe('models ls', () => {
  it('shows tasks, defaults and what is in memory', { timeout: busyMs }, async () => {
    const part = (name: string, loaded: boolean) => ({ name, loaded, size_bytes: loaded ? 2_000_000 : 0 });
    const served = {
      name: 'kandinsky-2.1-small',
      family: 'kandinsky-2.1',
      fingerprint: 'f',
      dtype: 'float32',
      image_size: 64,
      tasks: ['train', 'text2img', 'fuse'],
      sampling: { num_steps: 50, guidance_scale: 4, prior_steps: '25', prior_guidance_scale: 4 },
      workers: [
        { name: 'worker-0', state: 'online', parts: [part('prior', false), part('unet', false)] },
        { name: 'worker-1', state: 'online', parts: [part('prior', true), part('unet', false)] },
      ],
    };
    const api = await fakeApi({ 'GET /v1/models': () => ({ items: [served] }) });
    try {
      const { stdout } = await runHere(['models', 'ls'], { MURNAU_SERVER: api.url });
      expect(stdout).toMatch(
        /kandinsky-2\.1-small +kandinsky-2\.1 +t1 XLM-R, t2 CLIP +train, text2img, fuse +64 px +float32 +1 of 2, 2\.0 MB/,
      );
      expect(stdout).toMatch(/50 steps, guidance 4, prior 25 +worker-1, worker-0|worker-0, worker-1/);
    } finally {
      api.close();
    }
  });
});

describe('up --model', () => {
  it('picks among shipped and registered ones', () => {
    const known = [
      { name: 'kandinsky-2.1-small', dir: '/shipped' },
      {
        name: 'mine',
        dir: '/mine',
        holding: {
          family: 'kandinsky-2.1',
          dtype: 'float16',
          device: 'auto',
          offload: 'none',
          checkpointing: 'auto',
        },
      },
    ] as const;
    expect(chooseModels(['mine', 'other=/elsewhere'], known)).toEqual([
      known[1],
      { name: 'other', dir: '/elsewhere' },
    ]);
    expect(() => chooseModels(['mime'], known)).toThrow('did you mean "mine"?');
  });
});
