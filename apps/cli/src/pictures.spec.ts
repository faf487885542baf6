import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { generationRequestSchema } from '@murnau/domain';
import type { GenerationRequestInput, Recipe } from '@murnau/domain';
import { readRecipe, writeRecipe } from '@murnau/images';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fakeApi, problem, stream } from './testing/fake-api.js';
import type { FakeApi, FakeRequest, FakeRoutes } from './testing/fake-api.js';
import { aGeneration } from './testing/fixtures.js';
import { runCommand } from './testing/run-command.js';
import { runHere } from './testing/run-here.js';
import type { CommandResult } from './testing/run-command.js';

let folder: string;
let before: string;
const servers: FakeApi[] = [];
const busyMs = 20_000;

/** A PNG of one pixel: nothing but what a file must have. */
function dot(grey: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.from([0, grey]))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
const hashOf = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
const maskHash = 'f'.repeat(64);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-pictures-'));
  before = process.cwd();
  process.chdir(folder);
  await writeFile('a.png', dot(1));
  await writeFile('b.png', dot(2));
  await writeFile('notes.png', 'only text');
});
afterAll(async () => {
  process.chdir(before);
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const events = (...frames: [string, unknown][]) => stream([...frames, ['end', { phase: 'finished' }]]);

/** Answers as a server that has drawn what it was asked for. */
function drawing(changes: Parameters<typeof aGeneration>[1] = {}): FakeRoutes {
  let asked: GenerationRequestInput = { task: 'text2img', prompt: 'nothing' };
  const now = () => aGeneration(asked, changes);
  return {
    'HEAD /v1/blobs/:hash': () => (response) => response.writeHead(404).end(),
    'POST /v1/blobs': ({ body, url }: FakeRequest) => ({
      hash: url.searchParams.get('purpose') === 'mask' ? maskHash : hashOf(body),
      size_bytes: body.length,
      media_type: 'image/png',
      width: 64,
      height: 64,
    }),
    'POST /v1/generations': ({ body }: FakeRequest) => {
      asked = JSON.parse(String(body)) as GenerationRequestInput;
      return { ...now(), phase: 'queued', images: [], progress: 0 };
    },
    'GET /v1/generations/:id': now,
    'GET /v1/generations/:id/events': () => events(['generation', now()]),
    'GET /v1/generations/:id/sheet.png': () => dot(3),
    'GET /v1/blobs/:hash': () => dot(4),
    'GET /v1/models': () => ({ items: [] }),
  };
}

async function against(
  routes: FakeRoutes,
  args: readonly string[],
): Promise<CommandResult & { api: FakeApi; asked: unknown }> {
  const api = await fakeApi(routes);
  servers.push(api);
  const result = await runHere(args, { MURNAU_SERVER: api.url, MURNAU_TOKEN: 'secret' });
  const creation = api.requests.find(
    ({ method, url }) => method === 'POST' && url.pathname === '/v1/generations',
  );
  return { ...result, api, asked: creation === undefined ? undefined : JSON.parse(String(creation.body)) };
}
const filled = { count: 4, seed: 0, sampler: 'ddim_sampler' };

describe('generate', () => {
  it('writes the pictures and a contact sheet', { timeout: busyMs }, async () => {
    const args = ['generate', 'a photo of oktavo', '--seed', '7', '--count', '2', '--out', 'made'];
    const { exitCode, stdout, asked } = await against(drawing(), args);
    expect(exitCode).toBe(0);
    expect(stdout.trim().split('\n')).toEqual([
      'made/a-photo-of-oktavo-6e000001-seed-7.png',
      'made/a-photo-of-oktavo-6e000001-seed-8.png',
      'made/a-photo-of-oktavo-6e000001-sheet.png',
    ]);
    expect(await readdir(join(folder, 'made'))).toHaveLength(3);
    expect(asked).toEqual({
      ...filled,
      task: 'text2img',
      model: 'kandinsky-2.1-small',
      prompt: 'a photo of oktavo',
      seed: 7,
      count: 2,
    });
  });

  it('sends every option of the original', { timeout: busyMs }, async () => {
    const options = {
      '--num-steps': ['num_steps', 7],
      '--guidance-scale': ['guidance_scale', 4.5],
      '--prior-steps': ['prior_steps', '10,5'],
      '--prior-guidance-scale': ['prior_guidance_scale', 2],
      '--sampler': ['sampler', 'ddim_sampler'],
      '--ddim-eta': ['ddim_eta', 0.25],
      '--width': ['width', 96],
      '--height': ['height', 64],
      '--negative-prior-prompt': ['negative_prior_prompt', 'grey'],
      '--negative-decoder-prompt': ['negative_decoder_prompt', 'blurry'],
      '--denoised-type': ['denoised_type', 'clip_denoised'],
      '--dynamic-threshold-v': ['dynamic_threshold_v', 90.5],
      '--preview-every-steps': ['preview_every_steps', 5],
    } as const;
    const flags = Object.entries(options).flatMap(([flag, [, value]]) => [flag, String(value)]);
    const asking = async (quirks: string) =>
      (await against(drawing(), ['generate', 'x', ...flags, quirks, '--out', 'all'])).asked;
    const sent = Object.fromEntries(Object.values(options));
    expect(await asking('--reference-quirks')).toMatchObject({ ...sent, reference_quirks: true });
    expect(await asking('--no-reference-quirks')).toMatchObject({ ...sent, reference_quirks: false });
  });

  it('tells notices and where the preview lies on stderr, once', { timeout: busyMs }, async () => {
    const notice = 'The model reads 77 of 90 tokens.';
    const seen = { notices: [notice], preview_hash: 'p' };
    const routes: FakeRoutes = {
      ...drawing({ notices: [notice] }),
      'GET /v1/generations/:id/events': () => {
        const request = { task: 'text2img', prompt: 'x' } as const;
        const going = aGeneration(request, { ...seen, phase: 'running', images: [] });
        return events(['generation', going], ['generation', { ...going, preview_hash: 'q' }]);
      },
    };
    const { stdout, stderr, api } = await against(routes, ['generate', 'x', '--out', 'noted', '--json']);
    expect(stderr.match(/Note: The model reads 77/g)).toHaveLength(1);
    expect(stderr.match(/Preview: noted\/x-6e000001-preview\.png/g)).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({
      notices: [notice],
      files: [expect.stringContaining('seed-7'), {}],
    });
    const fetched = api.requests.map(({ url }) => url.pathname);
    expect(fetched).toEqual(expect.arrayContaining(['/v1/blobs/p', '/v1/blobs/q']));
    expect(await readdir(join(folder, 'noted'))).not.toContain('x-6e000001-preview.png');
  });

  it('exits with what became of it', { timeout: busyMs }, async () => {
    const failure = { code: 'device.out_of_memory', message: 'no room', next_step: 'Lower the size.' };
    const failed = await against(drawing({ phase: 'failed', images: [], failure }), ['generate', 'x']);
    expect(failed).toMatchObject({
      exitCode: 100,
      stderr: expect.stringMatching(/no room\n.*out_of_memory/),
    });
    expect((await against(drawing({ phase: 'cancelled', images: [] }), ['generate', 'x'])).exitCode).toBe(
      103,
    );
    const refused = {
      ...drawing(),
      'POST /v1/generations': () => problem('model.task_not_served', 'cannot inpaint'),
    };
    const refusal = await against(refused, ['generate', 'x']);
    expect(refusal).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('murnau models ls') });
  });

  it('is cancelled by Ctrl-C', { timeout: busyMs }, async () => {
    let cancelled = 0;
    const going = aGeneration(
      { task: 'text2img', prompt: 'x' },
      { phase: 'running', images: [], notices: ['drawing now'] },
    );
    const routes: FakeRoutes = {
      ...drawing(),
      'GET /v1/generations/:id/events': () => stream([['generation', going]], { stays: true }),
      'POST /v1/generations/:id/cancel': () => {
        cancelled += 1;
        return going;
      },
    };
    const api = await fakeApi(routes);
    servers.push(api);
    const { exitCode, stderr } = await runCommand(['generate', 'x'], {
      env: { MURNAU_SERVER: api.url },
      cwd: folder,
      interruptAt: /drawing now/,
    });
    expect({ exitCode, cancelled }).toEqual({ exitCode: 130, cancelled: 1 });
    expect(stderr).toContain('is cancelled');
  });
});

describe('generate --from', () => {
  const recipe = (request: object): Recipe => {
    const parsed = generationRequestSchema.parse(request);
    return {
      recipe_version: 1,
      task: parsed.task,
      request: parsed,
      embeddings: [],
      inputs: [],
      model: { name: parsed.model, fingerprint: 'a'.repeat(64) },
      numeric_fingerprint: 'n',
      worker_version: '0.1.0',
    };
  };
  const inpainting = {
    task: 'inpaint',
    prompt: 'a hat',
    image: 'a'.repeat(64),
    mask: 'b'.repeat(64),
    count: 1,
    seed: 12,
    num_steps: 30,
    prior_steps: '5',
    embedding_ids: ['eb000001'],
  };
  const written = async (name: string, request: object) => {
    const png = writeRecipe(dot(9), recipe(request));
    await writeFile(name, png);
    expect(readRecipe(png, { name })).toEqual(recipe(request));
    return name;
  };

  it('makes the picture again, whatever drew it', { timeout: busyMs }, async () => {
    const from = await written('hat.png', inpainting);
    const { exitCode, asked } = await against(drawing(), ['generate', '--from', from, '--out', 'again']);
    expect(exitCode).toBe(0);
    expect(asked).toEqual({ ...filled, ...inpainting, model: 'kandinsky-2.1-small' });
  });

  it('puts what is given in the place of what it says', { timeout: busyMs }, async () => {
    const from = await written('hat.png', inpainting);
    const args = ['generate', 'a crown', '--from', from, '--seed', '13', '--count', '2', '--num-steps', '60'];
    const { asked } = await against(drawing(), [...args, '--out', 'again']);
    expect(asked).toMatchObject({
      prompt: 'a crown',
      seed: 13,
      count: 2,
      num_steps: 60,
      mask: inpainting.mask,
    });
  });

  it('says when the weights have changed', { timeout: busyMs }, async () => {
    const from = await written('hat.png', inpainting);
    const model = {
      name: 'kandinsky-2.1-small',
      family: 'f',
      fingerprint: 'other',
      dtype: 'float32',
      image_size: 64,
      tasks: [],
      sampling: null,
      workers: [],
    };
    const routes = { ...drawing(), 'GET /v1/models': () => ({ items: [model] }) };
    const { stderr } = await against(routes, ['generate', '--from', from, '--out', 'again']);
    expect(stderr).toMatch(/Note: kandinsky-2\.1-small has other weights now/);
  });

  it.each<[string, () => Promise<string[]>, RegExp]>([
    [
      'a picture without a recipe',
      () => Promise.resolve(['--from', 'a.png']),
      /a\.png says nothing.*\n(.*\n)*.*recipe\.missing/,
    ],
    ['a text', () => Promise.resolve(['--from', 'notes.png']), /notes\.png is no whole PNG/],
    ['no file', () => Promise.resolve(['--from', 'no.png']), /--from no\.png: there is no such file/],
    [
      'a fuse and a prompt',
      async () => [
        'a cat',
        '--from',
        await written('f.png', { task: 'fuse', items: [{ text: 'a', weight: 1 }] }),
      ],
      /it has no prompt to replace/,
    ],
    ['nothing at all', () => Promise.resolve([]), /missing argument 'prompt'/],
  ])('refuses %s before anything is sent', { timeout: busyMs }, async (_, args, message) => {
    const { exitCode, stderr, api } = await against(drawing(), ['generate', ...(await args())]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(message);
    expect(api.requests).toEqual([]);
  });
});

describe('fuse', () => {
  it('mixes in the order of the command line', { timeout: busyMs }, async () => {
    const things = ['--image', 'a.png', '--text', 'a cat', '--image', 'b.png'];
    const weights = ['--weights', '0.2,0.3,0.5'];
    const { asked, stdout } = await against(drawing(), ['fuse', ...things, ...weights, '--out', 'fused']);
    expect(asked).toMatchObject({
      task: 'fuse',
      items: [
        { image: hashOf(dot(1)), weight: 0.2 },
        { text: 'a cat', weight: 0.3 },
        { image: hashOf(dot(2)), weight: 0.5 },
      ],
    });
    expect(stdout).toMatch(/^fused\/0-2-a-picture-0-3-a-cat-0-5-a-picture/);
  });

  it('gives things the same weight, and takes negative ones', { timeout: busyMs }, async () => {
    const things = ['--text', 'a', '--text', 'b', '--text', 'c'];
    expect((await against(drawing(), ['fuse', ...things])).asked).toMatchObject({
      items: ['a', 'b', 'c'].map((text) => ({ text, weight: 0.3333 })),
    });
    expect((await against(drawing(), ['fuse', ...things, '--weights', '-1,1,1'])).asked).toMatchObject({
      items: [{ weight: -1 }, {}, {}],
    });
  });

  it.each<[string, string[], RegExp]>([
    [
      'too few weights',
      ['--text', 'a', '--image', 'a.png', '--weights', '1'],
      /--weights names 1 weight for 2 things \(text, image\)/,
    ],
    ['words for weights', ['--text', 'a', '--weights', 'half'], /is not a list of numbers/],
    ['an empty weight', ['--text', 'a', '--text', 'b', '--weights', '1,'], /is not a list of numbers/],
    [
      'weights that cancel',
      ['--text', 'a', '--text', 'b', '--weights', '1,-1'],
      /items: must have weights that do not sum to 0/,
    ],
    ['nothing', [], /fuse mixes 1 to 16 things, not 0/],
    ['a picture that is not there', ['--image', 'no.png'], /--image no\.png: there is no such file/],
    ['a text called .png', ['--image', 'notes.png'], /notes\.png is not a picture/],
  ])('refuses %s before anything is sent', { timeout: busyMs }, async (_, args, message) => {
    const { exitCode, stderr, api } = await against(drawing(), ['fuse', ...args]);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
    expect(api.requests).toEqual([]);
  });
});

describe('inpaint and img2img', () => {
  it('send the picture and the mask, each for its purpose', { timeout: busyMs }, async () => {
    const args = ['inpaint', 'a hat', '--image', 'a.png', '--mask', 'b.png', '--out', 'painted'];
    const { exitCode, asked, api } = await against(drawing(), args);
    expect(exitCode).toBe(0);
    expect(asked).toMatchObject({ task: 'inpaint', prompt: 'a hat', image: hashOf(dot(1)), mask: maskHash });
    const uploads = api.requests.filter(
      ({ method, url }) => method === 'POST' && url.pathname === '/v1/blobs',
    );
    expect(uploads.map(({ url }) => url.search)).toEqual(['?name=a.png', '?name=b.png&purpose=mask']);
  });

  it('start from a picture, by 0.7 unless told otherwise', { timeout: busyMs }, async () => {
    const args = ['img2img', 'in winter', '--image', 'a.png', '--out', 'painted'];
    expect((await against(drawing(), args)).asked).toMatchObject({ image: hashOf(dot(1)), strength: 0.7 });
    expect((await against(drawing(), [...args, '--strength', '0.2'])).asked).toMatchObject({ strength: 0.2 });
  });

  it.each<[string, string[], RegExp]>([
    ['no mask', ['inpaint', 'x', '--image', 'a.png'], /required option '--mask <file>'/],
    ['strength 1', ['img2img', 'x', '--image', 'a.png', '--strength', '1'], /strength: .*must be below 1/],
    ['steps 0', ['img2img', 'x', '--image', 'a.png', '--num-steps', '0'], /whole number from 1 up/],
    [
      'steps 5000',
      ['generate', 'x', '--num-steps', '5000'],
      /num_steps: .*must be at most 1000 \(given: 5000\)/,
    ],
    ['an unknown sampler', ['generate', 'x', '--sampler', 'ddpm'], /choices are ddim_sampler, plms_sampler/],
    ['strange prior steps', ['generate', 'x', '--prior-steps', 'fast27'], /prior_steps: must be a count/],
    [
      'eta beside plms',
      ['generate', 'x', '--sampler', 'plms_sampler', '--ddim-eta', '1'],
      /ddim_eta: must be absent/,
    ],
    ['a long prompt', ['generate', 'x'.repeat(10_001)], /prompt: .*must have at most 10000/],
  ])('refuse %s before anything is sent', { timeout: busyMs }, async (_, args, message) => {
    const { exitCode, stderr, api } = await against(drawing(), args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
    expect(api.requests).toEqual([]);
  });
});
