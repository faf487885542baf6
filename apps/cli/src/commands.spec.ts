import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fakeApi, problem, stream } from './testing/fake-api.js';
import type { FakeApi, FakeRoutes } from './testing/fake-api.js';
import { anEmbedding, aRun, aSweep, aTrial, aWorker } from './testing/fixtures.js';
import { aMask, aPicture } from './testing/pictures.js';
import { runCommand } from './testing/run-command.js';
import { runHere } from './testing/run-here.js';
import type { CommandResult } from './testing/run-command.js';

let folder: string;
let before: string;
const servers: FakeApi[] = [];
/** Spawning Node takes a while on a busy machine; what is measured is set apart from it. */
const busyMs = 20_000;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-cli-'));
  before = process.cwd();
  process.chdir(folder);
  await mkdir(join(folder, 'octopus'));
  await writeFile(join(folder, 'octopus', 'a.png'), aPicture());
  await writeFile(
    join(folder, 'octopus.yaml'),
    'name: octopus\ndataset: octopus\nparameters:\n  pair: { values: [{ placeholder: oktavo, initializer: fish }] }\n  max_steps: { values: [50, 100] }\n',
  );
});
afterAll(async () => {
  process.chdir(before);
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function against(
  routes: FakeRoutes,
  args: readonly string[],
  options: { interruptAt?: RegExp } = {},
): Promise<CommandResult & { api: FakeApi }> {
  const api = await fakeApi(routes);
  servers.push(api);
  const env = { MURNAU_SERVER: api.url, MURNAU_TOKEN: 'secret' };
  if (options.interruptAt === undefined) return { ...(await runHere(args, env)), api };
  return { ...(await runCommand(args, { env, cwd: folder, ...options })), api };
}

const dataset = {
  id: '5f0c11aa',
  name: 'octopus',
  owner: 'ada',
  images: [
    { hash: 'h', name: 'a.png', width: 64, height: 64, mask_hash: null, caption: 'a {placeholder} on snow' },
  ],
  created_at: '2026-01-02T03:04:05Z',
};
const uploads: FakeRoutes = {
  'POST /v1/word-checks': () => ({ checked: true }),
  'HEAD /v1/blobs/:hash': () => (response) => response.writeHead(404).end(),
  'POST /v1/blobs': () => ({ hash: 'h', size_bytes: 8, media_type: 'image/png' }),
  'POST /v1/datasets': () => dataset,
};
const trainArgs = ['train', 'octopus', '--placeholder', 'oktavo', '--initializer', 'fish'];

describe('without a server', () => {
  it.each<[string, string[], number, RegExp]>([
    [
      'nothing runs here',
      ['runs', 'ls'],
      2,
      /^error: no server runs here.*\n.*server\.unreachable\n.*murnau up/,
    ],
    ['a mistyped command', ['trian'], 2, /unknown command 'trian'.*train/],
    ['a mistyped verb', ['sweep', 'creat'], 2, /did you mean create/i],
    ['a mistyped flag', ['runs', 'ls', '--swep', 'x'], 2, /did you mean --sweep/i],
    ['a word of a flag', [...trainArgs, '--steps', '5'], 2, /did you mean.* --max-steps/i],
    [
      'a word of several flags',
      ['up', '--port', '5'],
      2,
      /did you mean one of --api-port, --temporal-port, /i,
    ],
    [
      'a shell that is not known',
      ['completion', 'tcsh'],
      2,
      /^error: shell: tcsh is not one of bash, zsh, fish$/m,
    ],
    ['whose help to read', ['sweep', 'create'], 2, /next {5}Run `\S*murnau sweep create --help`\.$/m],
    ['a value of a flag', [...trainArgs, '--max-steps', 'five'], 2, /^error: --max-steps: .*max_steps/],
    ['a value that is not allowed', ['runs', 'ls', '--phase', 'done'], 2, /allowed choices are queued/i],
    ['a missing argument', ['datasets', 'add'], 2, /missing required argument 'folder'/],
    ['a missing flag', ['train', 'x', '--placeholder', 'oktavo'], 2, /--initializer/],
    ['an unknown spec key', [...trainArgs, '--set', 'max_step=3'], 2, /did you mean "max_steps"/],
    ['a wrong value', [...trainArgs, '--batch-size', '0'], 2, /batch_size.*given: 0/],
    [
      'a capital in the placeholder',
      ['train', 'octopus', '--placeholder', 'Oktavo', '--initializer', 'x'],
      2,
      /a to z/,
    ],
    [
      'a missing folder',
      ['train', './no', '--placeholder', 'oktavo', '--initializer', 'x'],
      2,
      /no such folder/,
    ],
    ['no profile of that name', ['runs', 'ls', '--profile', 'lab'], 2, /no profile "lab"/],
  ])('%s', { timeout: busyMs }, async (_, args, exitCode, message) => {
    const result = await runHere(args);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).toMatch(/^ {2}code {5}[a-z_.]+\n {2}next {5}\S/m);
    expect(result.exitCode).toBe(exitCode);
    expect(result.stdout).toBe('');
  });

  it('an error with --json is one JSON document on stderr', { timeout: busyMs }, async () => {
    const { stderr, stdout } = await runHere(['runs', 'ls', '--json']);
    const { error } = JSON.parse(stderr) as { error: Record<string, string> };
    expect(error).toMatchObject({
      code: 'server.unreachable',
      next_step: expect.stringContaining('murnau up'),
    });
    expect(stdout).toBe('');
  });

  it('says that the stack starts once it can', { timeout: busyMs }, async () => {
    const home = { MURNAU_HOME: join(folder, 'home') };
    for (const [env, args] of [
      [{ MURNAU_HOME: '/dev/null/x' }, []],
      [home, ['--api-port', '10080']],
    ] as const) {
      const { stderr } = await runHere(['up', ...args], env);
      expect(stderr).toMatch(/^error: /);
      expect(stderr).not.toContain('Starting');
      if (args.length > 0) expect(stderr).toMatch(/^error: --api-port: Port 10080/);
    }
  });

  it('a dry run needs no server', { timeout: busyMs }, async () => {
    const result = await runHere(['sweep', 'create', 'octopus.yaml', '--dry-run', '--json']);
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toMatch(/No server answers/);
    expect(JSON.parse(result.stdout)).toMatchObject({ trials: 2, steps: 150 });
  });

  it('a test mode is planned like any other', { timeout: busyMs }, async () => {
    const result = await runHere(['sweep', 'create', 'octopus.yaml', '--dry-run', '--test-mode', '--json']);
    expect(JSON.parse(result.stdout)).toMatchObject({ trials: 1, steps: 4, pictures: 1 });
  });

  it('a dataset that is not there is found in the file', { timeout: busyMs }, async () => {
    await writeFile(
      join(folder, 'lost.yaml'),
      'name: lost\nparameters:\n  pair:\n    values:\n      - { placeholder: oktavo, initializer: fish, dataset: nowhere }\ndataset: octopus\n',
    );
    const result = await runHere(['sweep', 'create', 'lost.yaml', '--dry-run']);
    expect(result.stderr).toMatch(/lost\.yaml:5:51: nowhere .*there is no such folder/);
    expect(result.exitCode).toBe(2);
  });

  it('answers help on stdout, and a bare word that groups commands with 2', { timeout: busyMs }, async () => {
    const [help, bare] = await Promise.all([runCommand(['train', '--help']), runCommand(['sweep'])]);
    expect(help).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringContaining('--learning-rate-t1'),
    });
    expect(bare).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('create') });
  });

  it('answers in about a second what needs no model', { timeout: busyMs }, async () => {
    const bare = await runCommand(['train', '--help']);
    const { elapsedMs } = await runCommand([...trainArgs.slice(0, 1), './no', ...trainArgs.slice(2)]);
    expect(elapsedMs).toBeLessThan(Math.max(1000, 2.5 * bare.elapsedMs));
  });
});

describe('with a server', () => {
  it(
    'train uploads what is missing, sends the token and a key, and prints the id',
    { timeout: busyMs },
    async () => {
      const routes: FakeRoutes = { ...uploads, 'POST /v1/runs': () => aRun() };
      const { exitCode, stdout, stderr, api } = await against(routes, [...trainArgs, '--max-steps', '40']);
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '7f3a91c2\n' });
      expect(stderr).toMatch(/1 picture, 1 sent.*\n.*\n.*murnau runs watch 7f3a91c2/);
      const create = api.requests.at(-1);
      expect(create?.headers).toMatchObject({
        authorization: 'Bearer secret',
        'idempotency-key': expect.stringMatching(/./),
      });
      expect(JSON.parse(String(create?.body))).toMatchObject({
        dataset_id: '5f0c11aa',
        spec: { placeholder_token: 'oktavo', max_steps: 40 },
      });
    },
  );

  it('a dataset shows its masks and captions', { timeout: busyMs }, async () => {
    const { exitCode, stdout } = await against({ 'GET /v1/datasets/:id': () => dataset }, [
      'datasets',
      'show',
      '5f0c',
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/masks +0\n.*captions +1/);
    expect(stdout).toMatch(/a\.png +64×64 +h +- +a \{placeholder\} on snow/);
  });

  it('a folder is uploaded with its masks and captions', { timeout: busyMs }, async () => {
    await mkdir(join(folder, 'rich'), { recursive: true });
    await writeFile(join(folder, 'rich', '1.png'), aPicture());
    await writeFile(join(folder, 'rich', '1.mask.png'), aMask());
    await writeFile(join(folder, 'rich', '1.txt'), 'a {placeholder}');
    await writeFile(join(folder, 'rich', '2.png'), 'text');
    const stored: FakeRoutes = {
      ...uploads,
      'POST /v1/blobs': ({ url }) => ({
        hash: url.searchParams.get('purpose') ?? '',
        size_bytes: 8,
        media_type: 'image/png',
      }),
    };
    const refused = await against(stored, ['datasets', 'add', 'rich']);
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('2.png is not a picture') });
    expect(refused.api.requests).toEqual([]);
    const args = ['datasets', 'add', 'rich', '--on-bad-picture', 'skip'];
    const { exitCode, stderr, api } = await against(stored, args);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/Left out: .*2\.png/);
    expect(JSON.parse(String(api.requests.at(-1)?.body))).toEqual({
      name: 'rich',
      images: [{ hash: 'training', name: '1.png', mask_hash: 'loss_mask', caption: 'a {placeholder}' }],
    });
  });

  it('train refuses words before a picture is sent', { timeout: busyMs }, async () => {
    const refusal = problem('placeholder.known_word', '"oktavo" is a word', {
      field: 'words[0].placeholder_token',
    });
    const { exitCode, stderr, api } = await against({ 'POST /v1/word-checks': () => refusal }, [
      ...trainArgs,
      '--num-vectors',
      '2',
      '--initializer-t2',
      'red fish',
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('spec.placeholder_token');
    expect(api.requests).toHaveLength(1);
    expect(JSON.parse(String(api.requests[0]?.body))).toEqual({
      model: 'kandinsky-2.1-small',
      words: [
        {
          placeholder_token: 'oktavo',
          initializer_token: 'fish',
          initializer_t2: 'red fish',
          num_vectors: 2,
        },
      ],
    });
  });

  it(
    'train starts from an embedding, its word and its vectors, as a preset says',
    { timeout: busyMs },
    async () => {
      const routes: FakeRoutes = {
        ...uploads,
        'GET /v1/embeddings/:id': () => anEmbedding({ num_vectors: 3, initializer_token: 'octopus' }),
        'POST /v1/runs': () => aRun(),
      };
      const { exitCode, api } = await against(routes, [
        ...['train', 'octopus', '--placeholder', 'oktavo', '--initializer-embedding', 'eb000001'],
        ...['--preset', 'reference', '--max-steps', '40', '--text-dropout', 'true'],
      ]);
      expect(exitCode).toBe(0);
      expect(JSON.parse(String(api.requests.at(-1)?.body))).toMatchObject({
        spec: {
          initializer_token: 'octopus',
          initializer_embedding: 'eb000001',
          num_vectors: 3,
          pooling: 'argmax',
          learning_rate_t1: 1e-4,
          learning_rate_unit: 'absolute',
          ema_decay: 0,
          publish: 'last',
          max_steps: 40,
          text_dropout: true,
        },
      });
    },
  );

  it('train says what the server refuses', { timeout: busyMs }, async () => {
    const refusal = problem('placeholder.known_word', '"oktavo" is a word that the tokenizer knows');
    const { exitCode, stderr } = await against({ ...uploads, 'POST /v1/runs': () => refusal }, trainArgs);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/error: "oktavo" is a word.*\n.*placeholder\.known_word\n.*next/);
  });

  it.each([
    ['finished', 0],
    ['failed', 100],
    ['cancelled', 103],
  ] as const)('watching a run that ends %s exits with %i', { timeout: busyMs }, async (phase, code) => {
    const ended = aRun({ phase, step: 100 });
    const routes: FakeRoutes = {
      'GET /v1/runs/:id': () => ended,
      'GET /v1/runs/:id/events': () =>
        stream([
          ['run', aRun({ step: 1 })],
          ['run', ended],
          ['end', { phase }],
        ]),
    };
    const { exitCode, stdout, stderr } = await against(routes, ['runs', 'watch', '7f3a']);
    expect(exitCode).toBe(code);
    expect(stderr).toMatch(/step 1\/100/);
    expect(stdout).toMatch(new RegExp(`phase +${phase}`));
    expect(stderr + stdout).not.toContain('\u001b');
  });

  it('Ctrl-C leaves a run going and says how to stop it', { timeout: busyMs }, async () => {
    const routes: FakeRoutes = {
      'GET /v1/runs/:id': () => aRun(),
      'GET /v1/runs/:id/events': () => stream([['run', aRun({ step: 1 })]], { stays: true }),
    };
    const watch = ['runs', 'watch', '7f3a91c2'];
    const { exitCode, stdout, stderr, api } = await against(routes, watch, { interruptAt: /step 1/ });
    expect(exitCode).toBe(101);
    expect(stderr).toMatch(/the run goes on.*murnau runs cancel 7f3a91c2/);
    expect(stdout).toBe('');
    expect(api.requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
  });

  const board = {
    metric: 'eval_gain',
    goal: 'maximize',
    items: [aTrial(1), aTrial(0, { phase: 'failed' })],
    next_cursor: null,
  };
  const sweepRoutes = (counts: Record<string, number>): FakeRoutes => ({
    'GET /v1/sweeps/:id': () => aSweep({ phase: 'finished', counts }),
    'GET /v1/sweeps/:id/trials': () => board,
    'GET /v1/sweeps/:id/events': () =>
      stream([
        ['sweep', aSweep()],
        ['run', aTrial(0, { step: 10 })],
        ['end', { phase: 'finished' }],
      ]),
  });

  it.each([
    [{ finished: 2 }, [], 0],
    [{ finished: 1, failed: 1 }, [], 100],
    [{ finished: 1, failed: 1 }, ['--fail-on', 'all'], 0],
    [{ failed: 2 }, ['--fail-on', 'all'], 100],
  ])('watching a sweep of %j %j exits with %i', { timeout: busyMs }, async (counts, flags, code) => {
    const { exitCode, stdout } = await against(sweepRoutes(counts), ['sweep', 'watch', '19c2', ...flags]);
    expect(exitCode).toBe(code);
    expect(stdout).toMatch(/rank +run +trial +initializer/);
  });

  it('watching with --json writes a document per line, the result last', { timeout: busyMs }, async () => {
    const { stdout } = await against(sweepRoutes({ finished: 2 }), ['sweep', 'watch', '19c2', '--json']);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string });
    expect(lines.map(({ kind }) => kind)).toEqual(['sweep', 'run', 'end', 'result']);
    expect(lines.at(-1)).toMatchObject({ metric: 'eval_gain', sweep: { id: '19c20d3e' } });
  });

  it('a sweep is created with ids in the place of folders', { timeout: busyMs }, async () => {
    const routes: FakeRoutes = { ...uploads, 'POST /v1/sweeps': () => aSweep() };
    const { exitCode, stdout, api } = await against(routes, ['sweep', 'create', 'octopus.yaml', '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id: '19c20d3e' });
    expect(JSON.parse(String(api.requests.at(-1)?.body))).toMatchObject({
      spec: { dataset: '5f0c11aa' },
      dry_run: false,
    });
  });

  it('a refusal of the server says where in the file', { timeout: busyMs }, async () => {
    const refusal = problem('placeholder.known_word', '"oktavo" is a word', {
      field: 'spec.parameters.pair.values[0].placeholder',
    });
    const routes: FakeRoutes = { ...uploads, 'POST /v1/sweeps': () => refusal };
    const { exitCode, stderr } = await against(routes, ['sweep', 'create', 'octopus.yaml']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('octopus.yaml:4:22: "oktavo" is a word');
  });

  it.each([
    [[0, 0], /device time unknown: no worker that serves kandinsky-2\.1-small has been measured yet/],
    [[2, 4, 0], /about 50 s of device time without pictures \(3 steps\/s, measured on 2 workers\)/],
  ])(
    'a dry run with workers of %j steps/s tells the device time',
    { timeout: busyMs },
    async (rates, says) => {
      const workers = rates.map((rate, index) =>
        aWorker({ name: `worker-${index}`, steps_per_second: rate }),
      );
      const routes: FakeRoutes = { 'GET /v1/workers': () => ({ items: workers }) };
      const { stderr } = await against(routes, ['sweep', 'create', 'octopus.yaml', '--dry-run']);
      expect(stderr).toMatch(says);
      expect(stderr).toMatch(/of disk/);
    },
  );

  it('what is not there exits with 102', { timeout: busyMs }, async () => {
    const missing = problem('run.not_found', 'there is no run ffffffff');
    const { exitCode, stderr } = await against({ 'GET /v1/runs/:id': () => missing }, [
      'runs',
      'show',
      'ffffffff',
    ]);
    expect(exitCode).toBe(102);
    expect(stderr).toMatch(/ffffffff.*\n.*run\.not_found\n.*murnau runs ls/);
  });

  it('lists are tables, or one JSON array', { timeout: busyMs }, async () => {
    const routes: FakeRoutes = { 'GET /v1/runs': () => ({ items: [aRun({ step: 5 })], next_cursor: null }) };
    const table = await against(routes, ['runs', 'ls', '--phase', 'running']);
    expect(table.stdout).toMatch(/^id +name +phase.*\n7f3a91c2 +oktavo-fish +running +5\/100/);
    expect(table.api.requests[0]?.url.search).toBe('?phase=running&limit=51');
    const json = await against(routes, ['runs', 'ls', '--json']);
    expect(JSON.parse(json.stdout)).toHaveLength(1);
    const none = await against({ 'GET /v1/runs': () => ({ items: [], next_cursor: null }) }, ['runs', 'ls']);
    expect(none).toMatchObject({ exitCode: 0, stdout: '', stderr: expect.stringContaining('murnau train') });
  });

  it('answers of another version are read', { timeout: busyMs }, async () => {
    const { wish: _, early_stop: __, spec, ...run } = aRun({ step: 5, metrics: { eval_gain: 0.25 } });
    const { ema_decay, ...older } = spec;
    const newer = { ...run, spec: { ...older, orbit: { radius: 3 } }, orbits: ['x'] };
    const routes: FakeRoutes = {
      'GET /v1/runs': () => ({ items: [newer], next_cursor: null, total: 1 }),
      'GET /v1/runs/:id': () => newer,
      'GET /v1/runs/:id/events': () =>
        stream([
          ['run', newer],
          ['end', { phase: 'finished' }],
        ]),
    };
    const list = await against(routes, ['runs', 'ls']);
    expect(list).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/5\/100 +\+0\.250/) });
    const shown = await against(routes, ['runs', 'show', '7f3a91c2']);
    expect(shown).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`ema_decay: ${ema_decay}`) });
    const watched = await against(routes, ['runs', 'watch', '7f3a91c2']);
    expect(watched.stderr).toMatch(/step 5\/100/);
  });

  it('export finds the newest embedding of a word', { timeout: busyMs }, async () => {
    const routes: FakeRoutes = {
      'GET /v1/embeddings': () => ({ items: [anEmbedding()], next_cursor: null }),
      'GET /v1/embeddings/:id/file': ({ url }) => Buffer.from(url.searchParams.get('format') ?? ''),
    };
    const { stdout } = await against(routes, ['embeddings', 'export', 'oktavo', '--out', 'o.bin']);
    expect(stdout).toBe('o.bin\n');
    expect(await readFile(join(folder, 'o.bin'), 'utf8')).toBe('bin');
    const args = ['embeddings', 'export', 'oktavo', '--format', 'diffusers', '--out', 'o'];
    const { stdout: paths } = await against(routes, args);
    expect(paths).toBe('o/decoder.safetensors\no/prior.safetensors\n');
    expect(await readFile(join(folder, 'o', 'prior.safetensors'), 'utf8')).toBe('diffusers_t2');
    expect(await readFile(join(folder, 'o', 'decoder.safetensors'), 'utf8')).toBe('diffusers_t1');
  });

  it('dashboards are links with their query', { timeout: busyMs }, async () => {
    const info = {
      version: '0.0.0',
      owner: 'ada',
      temporal_address: '127.0.0.1:7833',
      temporal_ui_url: 'http://127.0.0.1:7834',
      gallery_url: 'http://127.0.0.1:7800',
      namespace: 'default',
    };
    const routes: FakeRoutes = {
      'GET /v1/info': () => info,
      'POST /v1/logins': () => ({ code: 'once', valid_s: 120 }),
    };
    const { stdout } = await against(routes, ['dashboards']);
    expect(stdout).toContain(
      'http://127.0.0.1:7834/namespaces/default/workflows?query=MurnauKind%3D%22run%22%20AND%20MurnauOwner%3D%22ada%22',
    );
    expect(stdout).toContain('http://127.0.0.1:7800/login?code=once');
    expect(stdout).not.toContain('secret');
  });
});

describe('what lives', () => {
  it('is changed with a reason, under a key that makes it once', { timeout: busyMs }, async () => {
    const edits: FakeRoutes = {
      'POST /v1/sweeps/:id/pause': () => aSweep({ phase: 'paused' }),
      'POST /v1/sweeps/:id/winners': () => aSweep(),
      'POST /v1/sweeps/:id/trials/:n/drop': () => aSweep(),
      'POST /v1/runs/:id/stop': () => aRun(),
    };
    const pause = await against(edits, ['sweep', 'pause', '19c20d3e', '--why', 'lunch', '--json']);
    expect(JSON.parse(pause.stdout)).toMatchObject({ phase: 'paused' });
    const [request] = pause.api.requests;
    expect(JSON.parse(String(request?.body))).toEqual({ why: 'lunch' });
    expect(request?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
    const pick = await against(edits, ['sweep', 'pick', '19c20d3e', '3', '7']);
    expect(JSON.parse(String(pick.api.requests[0]?.body))).toEqual({ trials: [3, 7], why: '' });
    expect(pick.stderr).toMatch(/goes on with trial 3, 7/);
    const stop = await against(edits, ['runs', 'stop', '7f3a91c2']);
    expect(stop.exitCode).toBe(0);
    for (const wrong of [
      ['drop-trial', 'x', 'two'],
      ['set-concurrency', 'x', '0'],
      ['pick', 'x', '-1'],
    ]) {
      expect((await against(edits, ['sweep', ...wrong])).exitCode).toBe(2);
    }
  });

  it('is exported as a table that spreadsheets read', { timeout: busyMs }, async () => {
    const trials = [
      aTrial(0, { metrics: { eval_gain: 0.5 }, parameters: { initializer: 'a "b", c' } }),
      aTrial(1, { metrics: { eval_loss: 2 } }),
    ];
    const routes: FakeRoutes = {
      'GET /v1/sweeps/:id': () => aSweep(),
      'GET /v1/sweeps/:id/trials': () => ({
        metric: 'eval_gain',
        goal: 'maximize',
        items: trials,
        next_cursor: null,
      }),
      'GET /v1/sweeps/:id/decisions': () => ({ items: [], next_cursor: null }),
    };
    const { stdout } = await against(routes, ['sweep', 'export', '19c20d3e']);
    const [head, first, second, end] = stdout.split('\r\n');
    expect(head).toBe(
      'trial,run,phase,early_stop,rung,step,device_s,embedding,initializer,placeholder,eval_gain,eval_loss',
    );
    expect(first).toBe('0,00000000,running,,0,0,0.0,,"a ""b"", c",,0.5,');
    expect(second).toBe('1,00000001,running,,0,0,0.0,,cat,oktavo,,2');
    expect(end).toBe('');
  });
});
