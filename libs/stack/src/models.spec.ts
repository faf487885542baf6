import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkModels, checkRegistry } from './check/check-install.js';
import { convertModel } from './convert-model.js';
import { knownModels, registeredModels, registerModel, unregisterModel } from './model-registry.js';
import { holdingSchema, layoutOf } from './models.js';
import { workerPart } from './parts/gpu-worker.js';
import { PortBook } from './parts/port-book.js';
import { stackPaths, type StackPaths } from './paths.js';
import { checkRegistered } from './preflight.js';
import { resolveSettings } from './settings.js';

let home: string;
let paths: StackPaths;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'murnau-models-'));
  paths = stackPaths(home);
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function touch(...parts: string[]): Promise<string> {
  const folder = join(home, ...parts.slice(0, -1));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, parts.at(-1) ?? ''), '');
  return join(home, parts[0] ?? '');
}
async function original(name: string): Promise<string> {
  return touch(name, '2_1', 'decoder_fp16.ckpt');
}
async function diffusers(name: string): Promise<string> {
  await touch(name, 'kandinsky-2-1', 'model_index.json');
  return touch(name, 'kandinsky-2-1-prior', 'model_index.json');
}
const holding = holdingSchema.parse({});

describe('a folder', () => {
  it('is known by its layout', async () => {
    expect(layoutOf(await original('a'))?.name).toBe('original');
    expect(layoutOf(await diffusers('b'))?.name).toBe('diffusers');
    expect(layoutOf(await touch('c', 'kandinsky-2-1', 'model_index.json'))).toBeUndefined();
  });
});

describe('the registry', () => {
  it('takes a model, keeps what a person wrote beside it, and forgets it again', async () => {
    await writeFile(paths.models, `# ours\nmodels:\n  old: # keep\n    path: ${await original('old')}\n`);
    const dir = await diffusers('new');
    const held = holdingSchema.parse({ dtype: 'float16', device: 'cuda', offload: 'parts' });
    await registerModel(paths, { name: 'kandinsky-2.1', dir, holding: held });
    const text = await readFile(paths.models, 'utf8');
    expect(text).toMatch(/^# ours\n/);
    expect(text).toContain('# keep');
    expect(parse(text)).toMatchObject({
      models: {
        'kandinsky-2.1': {
          family: 'kandinsky-2.1',
          path: dir,
          dtype: 'float16',
          device: 'cuda',
          offload: 'parts',
          checkpointing: 'auto',
        },
      },
    });
    expect(await registeredModels(paths)).toMatchObject([
      { name: 'old', holding },
      { name: 'kandinsky-2.1', dir, holding: held },
    ]);
    await unregisterModel(paths, 'kandinsky-2.1');
    expect((await registeredModels(paths)).map(({ name }) => name)).toEqual(['old']);
    expect((await knownModels(paths)).map(({ name }) => name)).toEqual(['kandinsky-2.1-small', 'old']);
  });

  it('refuses a name that is taken or no name, and a folder that is no model', async () => {
    const dir = await original('a');
    await registerModel(paths, { name: 'mine', dir, holding });
    const refused = (name: string, folder: string) => registerModel(paths, { name, dir: folder, holding });
    await expect(refused('mine', dir)).rejects.toThrow('There is a model "mine" already');
    await expect(refused('kandinsky-2.1-small', dir)).rejects.toMatchObject({ code: 'usage.invalid' });
    await expect(refused('My Model', dir)).rejects.toMatchObject({ code: 'spec.invalid', field: '' });
    await expect(refused('b', join(home, 'nowhere'))).rejects.toMatchObject({
      code: 'model.not_a_model',
      message: expect.stringContaining('is not there'),
    });
    await expect(refused('b', home)).rejects.toThrow(/has neither .* nor 2_1\/decoder_fp16\.ckpt/);
    await expect(unregisterModel(paths, 'mime')).rejects.toMatchObject({
      code: 'model.not_registered',
      message: expect.stringContaining('did you mean "mine"'),
    });
    await expect(unregisterModel(paths, 'kandinsky-2.1-small')).rejects.toThrow('ships with the checkout');
  });

  it.each([
    ['models: [', /is no YAML/],
    ['models:\n  a: { path: x, dtpye: float16 }', /unknown key "models\.a\.dtpye".*did you mean "dtype"/],
    ['models:\n  a: { path: x, dtype: int8 }', /models\.a\.dtype/],
  ])('of %j is refused by its file, and the doctor says so', async (text, message) => {
    await writeFile(paths.models, text);
    await expect(registeredModels(paths)).rejects.toThrow(message);
    expect(await checkRegistry(paths)).toMatchObject([{ part: 'models.yaml', ok: false }]);
  });

  it('that is empty or not there has no models', async () => {
    expect(await registeredModels(paths)).toEqual([]);
    await writeFile(paths.models, '');
    expect(await registeredModels(paths)).toEqual([]);
    expect(await checkRegistry(paths)).toEqual([]);
  });
});

describe('a worker', () => {
  const argumentsOf = async (options: Parameters<typeof resolveSettings>[0]) => {
    const settings = resolveSettings({ ...options, workerPort: 17_841 }, null, await knownModels(paths));
    const { args } = await workerPart(settings, paths, new PortBook(), 0).plan({ keepsPort: false });
    const registry = args[args.indexOf('--registry') + 1] ?? '';
    return { args, registry, settings };
  };

  it('is given shipped models by name and registered ones by a file', async () => {
    expect((await argumentsOf({})).args).not.toContain('--registry');
    const dir = await original('a');
    await registerModel(paths, { name: 'mine', dir, holding });
    const { args, registry, settings } = await argumentsOf({});
    expect(args.join(' ')).toContain('--model kandinsky-2.1-small=');
    expect(parse(await readFile(registry, 'utf8'))).toEqual({ models: { mine: { path: dir, ...holding } } });
    expect(() => checkRegistered(settings)).not.toThrow();
    await rm(dir, { recursive: true });
    expect(() => checkRegistered(settings)).toThrow(/is not there/);
    expect(checkModels(settings.models, false).map(({ ok, mend }) => [ok, mend])).toEqual([
      [true, undefined],
      [false, 'bring the folder back, or murnau models rm mine'],
    ]);
  });

  it('is given another file when a model is held otherwise', async () => {
    const dir = await original('a');
    await registerModel(paths, { name: 'mine', dir, holding });
    const { registry } = await argumentsOf({});
    await unregisterModel(paths, 'mine');
    await registerModel(paths, { name: 'mine', dir, holding: { ...holding, dtype: 'bfloat16' } });
    expect((await argumentsOf({})).registry).not.toBe(registry);
  });

  it('serves what is newly registered at the next up, unless models were chosen', async () => {
    const before = resolveSettings({}, null, await knownModels(paths));
    const [small] = before.models;
    const chosen = resolveSettings({ models: small ? [small] : [] }, null, await knownModels(paths));
    await registerModel(paths, { name: 'mine', dir: await original('a'), holding });
    const known = await knownModels(paths);
    const names = ({ models }: typeof before) => models.map(({ name }) => name);
    expect(names(resolveSettings({}, before, known))).toEqual(['kandinsky-2.1-small', 'mine']);
    expect(names(resolveSettings({}, chosen, known))).toEqual(['kandinsky-2.1-small']);
  });
});

describe('conversion', () => {
  const program = {
    command: process.execPath,
    args: [fileURLToPath(new URL('../fixtures/stand-in-converter.mjs', import.meta.url))],
  };
  const convert = async (source: string) => {
    const progress: Readonly<Record<string, unknown>>[] = [];
    await convertModel({
      source,
      target: join(home, 'out'),
      dtype: 'float16',
      program,
      onProgress: (line) => progress.push(line),
    });
    return progress;
  };

  it('passes progress on as it comes', async () => {
    const progress = await convert(await original('source'));
    expect(progress).toHaveLength(3);
    expect(progress[2]).toEqual({
      part: 'unet',
      done: 3,
      of: 3,
      target: join(home, 'out'),
      options: ['--dtype', 'float16'],
    });
  });

  it('says why the worker refused', async () => {
    await expect(convert(await original('poisoned'))).rejects.toMatchObject({
      code: 'model.unreadable',
      message: 'prior_fp16.ckpt asks for os.system',
    });
    await expect(convert(await original('crashing'))).rejects.toThrow(/exit 1.*MemoryError/);
    await expect(convert(home)).rejects.toMatchObject({ code: 'model.not_a_model' });
  });
});
