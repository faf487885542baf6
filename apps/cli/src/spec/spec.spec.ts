import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hyperparameterNames, MurnauError } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveDataset } from './datasets.js';
import { readPictureFolder } from './picture-folder.js';
import { filesOf, pictureFormat } from './pictures.js';
import { parseSetValue, withValue } from './set-values.js';
import { parseSweep } from './sweep-file.js';
import { aPicture } from '../testing/pictures.js';
import { flagValue, hyperparameterHelp, hyperparametersOf } from './training-flags.js';

const file = `name: pairs
dataset: ./octopus
parameters:
  pair:
    values:
      - { placeholder: oktavo, initializer: fish }
      - placeholder: oktavo
        initializer: cat
  learning_rate_t1: { values: [0.05, 0.1] }
  max_steps: { value: 60 }
`;

function refused(run: () => unknown): MurnauError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(MurnauError);
    return error as MurnauError;
  }
  throw new Error('was not refused');
}
const sweepError = (text: string, sets: string[] = []): MurnauError =>
  refused(() => parseSweep(text, '/some/where/pairs.yaml', { sets }));

describe('sweep file', () => {
  it('of a search is refused where no point is permitted, and says what share is forbidden', () => {
    const search = (least: number): string => `name: product
dataset: ./octopus
method: tpe
run_cap: 4
parameters:
  pair:
    values: [{ placeholder: oktavo, initializer: fish }]
  batch_size: { distribution: log_int_uniform, min: ${least}, max: 64 }
  gradient_accumulation_steps: { distribution: log_int_uniform, min: ${Math.ceil(least / 4)}, max: 16 }
`;
    const { message, field } = sweepError(search(36));
    expect(field).toBe('parameters');
    expect(message).toMatch(/^pairs.yaml:5:1: .*100 % of 1,000 draws are forbidden: .*256 or less/);
    const { notices, trials } = parseSweep(search(1), 'pairs.yaml');
    expect(notices).toEqual([
      expect.stringMatching(/^[\d.]+ % of 1,000 draws from the space are forbidden: /),
    ]);
    expect(trials).toHaveLength(4);
    expect(parseSweep(file, 'pairs.yaml').notices).toEqual([]);
  });

  it('is expanded here', () => {
    const { trials } = parseSweep(file, 'pairs.yaml');
    expect(trials).toHaveLength(4);
    expect(trials[3]?.parameters).toEqual({
      placeholder: 'oktavo',
      initializer: 'cat',
      learning_rate_t1: 0.1,
    });
  });

  it('takes overrides: a dotted key, or a hyper-parameter by its name', () => {
    const sets = ['learning_rate_t1=0.2', 'samples.every_steps=0', 'max_concurrent_trials=1', 'seed=5'];
    const { file: parsed, trials } = parseSweep(file, 'pairs.yaml', { sets });
    expect(trials.map(({ spec }) => spec.learning_rate_t1)).toEqual([0.2, 0.2]);
    expect(trials[0]?.spec.samples.every_steps).toBe(0);
    expect(parsed.max_concurrent_trials).toBe(1);
    expect(parsed.seed).toBe(5);
  });

  it('follows anchors and merges, and finds errors behind them', () => {
    const anchored = file
      .replace('{ values: [0.05, 0.1] }', '&rate { values: [0.05, 0.1] }\n  learning_rate_t2: *rate')
      .replace(
        'oktavo, initializer: fish }',
        'oktavo, initializer: fish }\n      - &more { placeholder: kalmar, initializer: fish }',
      )
      .replace('- placeholder: oktavo\n        initializer: cat', '- { <<: *more, initializer: cat }');
    expect(parseSweep(anchored, 'pairs.yaml').trials).toHaveLength(12);
    expect(sweepError(anchored.replace('0.1]', '-0.1]')).message).toMatch(
      /^pairs\.yaml:9:44: parameters\.learning_rate_t1\.values\[1\]: must be above 0/,
    );
  });

  it('has trials in which a parameter takes part and others in which it does not', () => {
    const conditional = `${file}  schedule: { values: [constant, cosine] }
  schedule_steps: { values: [30, 60], when: { schedule: cosine } }
`;
    const { trials } = parseSweep(conditional, 'pairs.yaml');
    expect(trials).toHaveLength(2 * 2 * (1 + 2));
    for (const { parameters, spec } of trials) {
      expect('schedule_steps' in parameters).toBe(parameters['schedule'] === 'cosine');
      expect(spec.schedule_steps).toBe(parameters['schedule_steps']);
    }
  });

  it('is tried out with a few steps, one checkpoint and one picture of each trial', () => {
    const text = `${file.replace('{ value: 60 }', '{ values: [60, 80] }')}samples:\n  prompts: ["a {placeholder}", "{placeholder}"]\n`;
    const { file: tried, trials } = parseSweep(text, 'pairs.yaml', { isTestMode: true });
    expect(tried.name).toBe('pairs-test');
    expect(trials).toHaveLength(4);
    for (const { spec } of trials) {
      const { max_steps, samples } = spec;
      expect(max_steps / spec.checkpoint.every_steps).toBe(1);
      const rounds = Math.floor(max_steps / samples.every_steps);
      expect(rounds * samples.prompts.length * samples.per_prompt + samples.final_count).toBe(1);
    }
    const sets = ['max_steps=8'];
    const [longer] = parseSweep(text, 'pairs.yaml', { isTestMode: true, sets }).trials;
    expect(longer?.spec.max_steps).toBe(8);
    expect(() => parseSweep('- a', 'pairs.yaml', { isTestMode: true })).toThrow(/pairs\.yaml:1:1: must be/);
    expect(() => parseSweep('name: a\nparameters: 3', 'pairs.yaml', { isTestMode: true })).toThrow(
      /1:1: dataset/,
    );
  });

  it.each(['60e18213', '16757261', '00000012', '1e234567', '1675'])(
    'takes the id %s as it is printed',
    (id) => {
      const text = file
        .replace('dataset: ./octopus', `dataset: ${id}`)
        .replace('initializer: fish', `initializer: fish, dataset: ${id}, initializer_embedding: ${id}`);
      const { dataset, parameters } = parseSweep(text, 'pairs.yaml').file;
      expect(dataset).toBe(id);
      expect(parameters.pair.values[0]).toMatchObject({ dataset: id, initializer_embedding: id });
    },
  );

  it('is located by an error of the server', () => {
    const { locate } = parseSweep(file, 'pairs.yaml');
    const field = 'spec.parameters.pair.values[1].placeholder';
    const located = locate(new MurnauError('placeholder.known_word', '"oktavo" is a word', { field }));
    expect(located.message).toBe('pairs.yaml:7:9: "oktavo" is a word');
    expect(located.code).toBe('placeholder.known_word');
  });

  it('says that an override is wrong, not the file', () => {
    expect(sweepError(file, ['max_concurrent_trials=0']).message).toMatch(
      /^pairs\.yaml, --set: max_concurrent_trials/,
    );
    expect(sweepError(file, ['max_restart=0']).message).toMatch(/did you mean "max_restarts"/);
    expect(sweepError(file, ['nonsense']).code).toBe('usage.invalid');
  });
});

describe('--set', () => {
  it.each([
    ['a=1', ['a'], 1],
    ['a.b_c=true', ['a', 'b_c'], true],
    ['a=[1, x]', ['a'], [1, 'x']],
    ['a=b=c', ['a'], 'b=c'],
    ['a=', ['a'], ''],
    ['a=1e-3', ['a'], 0.001],
    ['dataset=60e18213', ['dataset'], '60e18213'],
    ['initializer_embedding= 1675', ['initializer_embedding'], '1675'],
  ])('%s', (text, path, value) => expect(parseSetValue(text)).toEqual({ path, value }));

  it('leaves the rest as it is', () => {
    expect(withValue({ a: { b: 1, c: 2 }, d: [1, 2] }, ['a', 'b'], 3)).toEqual({
      a: { b: 3, c: 2 },
      d: [1, 2],
    });
    expect(withValue({ d: [1, 2] }, ['d', '1'], 3)).toEqual({ d: [1, 3] });
  });
});

describe('flags of train', () => {
  it('has one with help for each hyper-parameter', () => {
    expect(Object.keys(hyperparameterHelp).sort()).toEqual([...hyperparameterNames].sort());
  });
  it('are read by the names of the spec', () => {
    expect(hyperparametersOf({ learningRateT1: 0.2, maxSteps: 10, watch: true })).toEqual({
      learning_rate_t1: 0.2,
      max_steps: 10,
    });
    expect(flagValue('0.5')).toBe(0.5);
    expect(flagValue('cosine')).toBe('cosine');
  });
});

describe('pictures', () => {
  let folder: string;
  const png = Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1');
  const put = async (name: string, content: Buffer | string): Promise<string> => {
    const path = join(folder, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, content);
    return join(path, '..');
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'murnau-cli-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const failure = (promise: Promise<unknown>): Promise<MurnauError> =>
    promise.then(
      () => {
        throw new Error('was not refused');
      },
      (error: unknown) => error as MurnauError,
    );

  it('are known by their first bytes', () => {
    expect(pictureFormat(png)).toBe('PNG');
    expect(pictureFormat(Buffer.from([0xff, 0xd8, 0xff, 0xe0]))).toBe('JPEG');
    expect(pictureFormat(Buffer.from('RIFF\0\0\0\0WEBPVP8 '))).toBe('WebP');
    expect(pictureFormat(Buffer.from('\0\0\0\u0018ftypheic'))).toBe('HEIC');
    expect(pictureFormat(Buffer.from('hello'))).toBeUndefined();
  });
  it('are taken in the order a person counts, and nothing else is', async () => {
    for (const name of ['10.png', '9.PNG', '.hidden.png', 'notes.txt']) await put(`good/${name}`, png);
    const { pictures } = await filesOf(join(folder, 'good'), 'good');
    expect(pictures).toEqual(['9.PNG', '10.png']);
  });
  it.each([
    ['dataset.empty', 'empty/notes.txt', 'x', /no pictures/],
    ['image.unreadable', 'text/cat.jpg', 'this is not a picture', /cat\.jpg is not a picture/],
    ['image.unreadable', 'nothing/cat.jpg', '', /cat\.jpg is empty/],
    ['image.unreadable', 'gif/cat.png', 'GIF89a', /cat\.png is GIF/],
  ])('%s', async (code, name, content, message) => {
    const error = await failure(readPictureFolder(await put(name, content)));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });
  it('a folder that is not there, and a file in its place', async () => {
    expect((await failure(readPictureFolder(join(folder, 'nowhere')))).code).toBe('dataset.folder_missing');
    const file = join(await put('file/a.png', png), 'a.png');
    expect((await failure(readPictureFolder(file))).message).toMatch(/a file, not a folder/);
  });
  it('a folder comes before an id', async () => {
    await put('deadbeef/a.png', aPicture());
    expect((await resolveDataset('deadbeef', folder)).kind).toBe('folder');
    expect(await resolveDataset('deadbee0', folder)).toEqual({ kind: 'id', id: 'deadbee0' });
    expect((await failure(resolveDataset('./nowhere', folder))).code).toBe('dataset.folder_missing');
  });
});
