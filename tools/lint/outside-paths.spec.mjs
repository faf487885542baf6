import { expect, test } from 'vitest';
import { outsidePaths } from './outside-paths.mjs';

const paths = (file, text) => outsidePaths(file, text).map(({ path }) => path);

test.each([
  ['a literal that climbs out of the checkout', 'libs/a/src/x.ts', `import y from '../../../../y.js';`],
  ['one of the root itself', 'x.mjs', `readFile('../shared/golden')`],
  ['a path joined to the root', 'apps/a/e2e/x.ts', `resolve(root, '../shared')`],
  ['a path in a template', 'tools/x.mjs', '`${root}/../shared`'],
  ['the parent of the repository in Python', 'python-worker/tests/x.py', 'REPOSITORY.parent / "shared"'],
  ['a file outside by its parents', 'python-worker/tests/x.py', 'Path(__file__).resolve().parents[3]'],
  ['a link of a page', 'docs/x.md', '[design](../../design/x.md)'],
  ['a folder of one machine', 'tools/x.mjs', `"/home/someone/models"`],
])('finds %s', (_name, file, text) => {
  expect(paths(file, text)).toHaveLength(1);
});

test.each([
  ['a neighbour', 'libs/a/src/deep/x.ts', `import y from '../y.js';`],
  ['a file at the root', 'docs/x.md', '[readme](../README.md)'],
  ['the repository in Python', 'python-worker/tests/x.py', 'Path(__file__).resolve().parents[2]'],
  ['three dots', 'libs/a/src/x.ts', '[...rest, .../x]'],
])('leaves %s alone', (_name, file, text) => {
  expect(paths(file, text)).toEqual([]);
});

test('says in which line', () => {
  expect(outsidePaths('x.mjs', `const a = 1;\nread('../b');\n`)).toEqual([{ line: 2, path: '../b' }]);
});
