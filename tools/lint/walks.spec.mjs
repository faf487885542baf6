import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { brokenStations, readWalks } from './walks.mjs';

let root;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'murnau-walks-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function file(path, text) {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}
const walk = (...files) => ({
  title: 'a',
  files: files.map((entry) => ({
    interface: null,
    ...(typeof entry === 'string' ? { path: entry } : entry),
  })),
});

test('reads the lists under the headings of walks, and nothing else', () => {
  const markdown =
    '## Walk: a sweep decides\n\n1. `x.ts`: a\n2. `y.ts` (interface `Y`): b\n\n## Rules\n\n1. `z.ts`\n';
  expect(readWalks(markdown)).toEqual([
    {
      title: 'a sweep decides',
      files: [
        { path: 'x.ts', interface: null },
        { path: 'y.ts', interface: 'Y' },
      ],
    },
  ]);
});

test('follows a package to the file that defines the name', async () => {
  await file('libs/a/src/x.ts', "import { decide } from '@murnau/b';\n");
  await file(
    'libs/b/src/index.ts',
    "export { other } from './other.js';\nexport { decide } from './deep/index.js';\n",
  );
  await file('libs/b/src/deep/index.ts', "export { decide } from './decide.js';\n");
  await file('libs/b/src/deep/decide.ts', 'export const decide = 1;\n');
  await file('libs/b/src/other.ts', 'export const other = 1;\n');
  expect(brokenStations(root, walk('libs/a/src/x.ts', 'libs/b/src/deep/decide.ts'))).toEqual([]);
  expect(brokenStations(root, walk('libs/a/src/x.ts', 'libs/b/src/other.ts'))).toEqual([
    'a: libs/b/src/other.ts is imported by nothing before it',
  ]);
});

test('follows Python modules, absolute and relative', async () => {
  await file(
    'python-worker/src/w/training/step.py',
    'from w.core.batch import (\n    Batch,  # all\n)\nfrom .data import samples\n',
  );
  await file('python-worker/src/w/core/batch.py', '');
  await file('python-worker/src/w/training/data/samples.py', '');
  const step = 'python-worker/src/w/training/step.py';
  expect(
    brokenStations(
      root,
      walk(step, 'python-worker/src/w/core/batch.py', 'python-worker/src/w/training/data/samples.py'),
    ),
  ).toEqual([]);
});

test('an interface counts only where it is imported before, and named by the file behind it', async () => {
  await file('libs/a/src/x.ts', "import type { Doer } from './doer.js';\n");
  await file('libs/a/src/doer.ts', 'export interface Doer {}\n');
  await file('libs/a/src/y.ts', "import type { Doer } from './doer.js';\n");
  await file('libs/a/src/z.ts', '');
  const station = (path, contract) => ({ path: `libs/a/src/${path}`, interface: contract });
  expect(brokenStations(root, walk('libs/a/src/x.ts', station('y.ts', 'Doer')))).toEqual([]);
  expect(brokenStations(root, walk('libs/a/src/x.ts', station('z.ts', 'Doer')))).toHaveLength(1);
  expect(brokenStations(root, walk('libs/a/src/x.ts', station('y.ts', 'Other')))).toHaveLength(1);
});

test('names a file that is not there', () => {
  expect(brokenStations(root, walk('libs/a/src/gone.ts'))).toEqual(['a: libs/a/src/gone.ts does not exist']);
});
