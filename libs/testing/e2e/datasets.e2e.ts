import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dataset, Run } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository, StackUnderTest } from '../src/index.js';

let folder: string;
let stack: StackUnderTest;

beforeAll(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'murnau-data-')), 'octopus');
  await mkdir(folder);
  const copies = {
    '1.png': 'examples/octopus/1.png',
    '1.mask.png': 'examples/mask.png',
    '2.png': 'examples/octopus/2.png',
    // Wide: in a bucket of its own.
    '3.png': 'docs/images/demo.png',
  };
  for (const [name, source] of Object.entries(copies)) {
    await copyFile(join(repository, source), join(folder, name));
  }
  await writeFile(join(folder, '1.txt'), 'a photo of a {placeholder}');
  await writeFile(join(folder, '2.txt'), 'the {placeholder} on white');
  stack = await StackUnderTest.up();
}, 180_000);

afterAll(async () => {
  await stack?.close();
  await rm(join(folder, '..'), { recursive: true, force: true });
}, 60_000);

const train = (...more: string[]): string[] => [
  ...['train', folder, '--placeholder', 'oktavo', '--initializer', 'animal', '--max-steps', '4'],
  ...['--batch-size', '2', '--resize', 'bucket', '--loss-mask', 'file', '--templates', 'captions'],
  ...['--set', 'samples.every_steps=0', '--set', 'samples.final_count=0', ...more],
];

describe('a folder with masks, captions and pictures of several proportions', () => {
  it('is refused while a caption is missing, before anything is stored', async () => {
    const { exitCode, stderr } = await stack.murnau(train());
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/1 of 3 pictures have no caption: 3\.png\n[^]*caption\.missing/);
    expect(await stack.json<Dataset[]>(['datasets', 'ls'])).toEqual([]);
  });

  it('is uploaded whole and trained on', { timeout: 300_000 }, async () => {
    await writeFile(join(folder, '3.txt'), 'many pictures of a {placeholder}');
    const { exitCode, stdout, stderr } = await stack.murnau([...train('--watch'), '--json']);
    expect(exitCode, stderr).toBe(0);
    const lines = stdout.trim().split('\n');
    const { run } = JSON.parse(lines.at(-1) ?? '') as { run: Run };
    expect(run).toMatchObject({ phase: 'finished', certified_step: 4, failure: null });
    expect(run.metrics['eval_loss']).toBeGreaterThan(0);
    const dataset = await stack.json<Dataset>(['datasets', 'show', run.dataset_id]);
    expect(dataset.images.map(({ name, mask_hash, caption }) => [name, mask_hash !== null, caption])).toEqual(
      [
        ['1.png', true, 'a photo of a {placeholder}'],
        ['2.png', false, 'the {placeholder} on white'],
        ['3.png', false, 'many pictures of a {placeholder}'],
      ],
    );
  });

  it('names every bad file, and goes on without them where it is told to', { timeout: 300_000 }, async () => {
    await writeFile(join(folder, '4.png'), 'no picture');
    await writeFile(join(folder, '5.png'), '');
    // Captions are read where the templates are captions: elsewhere a bad one is left out.
    await writeFile(join(folder, '2.txt'), 'an octopus');
    const refused = await stack.murnau(['datasets', 'add', folder]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(/2 of \d files cannot be used/);
    for (const name of ['4.png', '5.png']) expect(refused.stderr).toContain(name);
    const skipped = await stack.json<Dataset>(['datasets', 'add', folder, '--on-bad-picture', 'skip']);
    expect(skipped.images.map(({ name, caption }) => [name, caption !== null])).toEqual([
      ['1.png', true],
      ['2.png', false],
      ['3.png', true],
    ]);
  });
});
