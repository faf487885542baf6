import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { presetValues, trainingSpecSchema } from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import { registerEmbeddingsExport } from '../commands/embeddings/export.js';
import { register as registerTrain } from '../commands/train/index.js';
import { register as registerUp } from '../commands/up/index.js';
import { createOutput } from '../core/io.js';
import { readEnvironment } from '../env.js';
import { parseSetValue } from './set-values.js';

const docs = await readFile(
  fileURLToPath(new URL('../../../../docs/reference-mode.md', import.meta.url)),
  'utf8',
);
const tables = docs
  .split(/\n\n+/)
  .filter((block) => block.startsWith('|'))
  .map((block) =>
    block
      .split('\n')
      .slice(2)
      .map((row) =>
        row
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      ),
  );
const [ours = [], flags = [], besides = []] = tables;
const unquoted = (cell = ''): string => cell.replaceAll('`', '');

/** Every flag of the reference's script, in its order. */
const ofTheScript = [
  ...['data_root', 'placeholder_token', 'initializer_token', 'cache_root', 'learnable_property'],
  ...['output_dir', 'device', 'img_size', 'center_crop', 'train_batch_size', 'epochs', 'learning_rate'],
  ...['num_workers', 'adam_beta1', 'adam_beta2', 'adam_weight_decay', 'adam_epsilon'],
  ...['log_image_frequency', 'log_embed_frequency'],
];

const output = createOutput({ write: () => true }, readEnvironment({}));
const host = {
  io: { out: output, err: output },
  context: () => expect.fail('nothing is run'),
  exitWith: () => undefined,
  spell: String,
};
const program = new Command();
registerTrain(program.command('train'), host);
registerUp(program.command('up'), host);
registerEmbeddingsExport(program, host);
const known = new Map(
  program.commands.flatMap(({ options }) => options.map((option) => [option.long ?? '', option] as const)),
);

describe('docs/reference-mode.md', () => {
  it('has every flag of the script', () => {
    expect(flags.map(([flag]) => unquoted(flag))).toEqual(ofTheScript.map((name) => `--${name}`));
    for (const [flag, , here] of flags) expect(here, flag).toMatch(/`|^none: ./);
  });

  it('names no flag, value or key that is not there', () => {
    const named = [...flags, ...besides].flatMap((row) => [...(row.at(-1) ?? '').matchAll(/`([^`]+)`/g)]);
    const given = named.flatMap(([, code = '']) => [...code.matchAll(/(--[a-z0-9-]+)(?: ([^ -]\S*))?/g)]);
    expect(given.length).toBeGreaterThan(15);
    for (const [text, flag = '', value] of given) {
      const option = known.get(flag);
      expect(option, text).toBeDefined();
      if (flag === '--set') {
        const [head = '', ...rest] = parseSetValue(value ?? '').path;
        const holder: unknown = trainingSpecSchema.parse({ placeholder_token: 'ab', initializer_token: 'b' });
        expect(
          rest.reduce(
            (at, key) => (at as Record<string, unknown>)[key],
            (holder as Record<string, unknown>)[head],
          ),
          text,
        ).toBeDefined();
      } else if (value !== undefined && /^[a-z]+$/.test(value) && flag !== '--format') {
        const key = flag.slice(2).replaceAll('-', '_');
        const parsed = trainingSpecSchema.safeParse({
          placeholder_token: 'ab',
          initializer_token: 'b',
          [key]: value === 'true' ? true : value,
        });
        expect(parsed.success, text).toBe(true);
      }
    }
  });

  it('has the preset as it is', () => {
    const written = Object.fromEntries(ours.map(([name, value]) => [unquoted(name), value]));
    const meant = Object.fromEntries(
      Object.entries(presetValues('reference')).map(([name, value]) => [name, String(value)]),
    );
    expect(written).toEqual(meant);
  });
});
