import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../root.mjs';
import { run } from '../run.mjs';
import { hashOf, whenChanged } from '../stamp.mjs';

async function projects() {
  const { references } = JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8'));
  return references.map((reference) => reference.path);
}

export async function buildTypeScript(tell) {
  const folders = await projects();
  const inputs = folders.flatMap((folder) => [
    `${folder}/src`,
    `${folder}/tsconfig.json`,
    `${folder}/package.json`,
  ]);
  const hash = await hashOf([
    ...inputs,
    'tsconfig.json',
    'tsconfig.base.json',
    'package-lock.json',
    'protos',
  ]);
  return whenChanged(
    'typescript',
    { hash, outputs: folders.map((folder) => `${folder}/dist/tsconfig.tsbuildinfo`) },
    async () => {
      tell('tsc -b');
      await run('tsc', process.execPath, ['node_modules/typescript/bin/tsc', '-b'], {
        what: 'The TypeScript build',
      });
    },
  );
}

/** Workflows bundled once here make the orchestrator ready in a third of the time. */
export async function buildWorkflowBundle(tell) {
  const folder = 'apps/orchestrator';
  const { scripts = {} } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
  if (!scripts.bundle) return false;
  const hash = await hashOf([
    `${folder}/src`,
    `${folder}/package.json`,
    'libs/workflows/src',
    'libs/contracts/src',
    'libs/domain/src',
    'package-lock.json',
  ]);
  const bundles = existsSync(join(root, folder, 'dist'))
    ? (await readdir(join(root, folder, 'dist')))
        .filter((name) => name.includes('bundle'))
        .map((name) => `${folder}/dist/${name}`)
    : [];
  return whenChanged(
    'bundle',
    { hash, outputs: bundles.length > 0 ? bundles : [`${folder}/dist/no-bundle-yet`] },
    async () => {
      tell(scripts.bundle);
      await run('bundle', 'npm', ['run', '--silent', 'bundle', `--workspace=${folder}`], {
        what: 'Bundling the workflows',
      });
    },
  );
}
