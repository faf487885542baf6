import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../root.mjs';
import { run } from '../run.mjs';
import { hashOf, whenChanged } from '../stamp.mjs';
import { venvPython } from '../python/venv.mjs';

const typescriptOut = 'libs/gpu-client/src/gen';
const pythonOut = 'python-worker/src/murnau_worker/rpc/gen';

export async function generateTypeScript(tell) {
  if (!existsSync(join(root, 'protos/buf.gen.yaml'))) return false;
  const hash = await hashOf(['protos', 'node_modules/ts-proto/package.json']);
  return whenChanged('protos-typescript', { hash, outputs: [typescriptOut] }, async () => {
    tell('buf generate');
    await rm(join(root, typescriptOut), { recursive: true, force: true });
    await run('buf', join(root, 'node_modules/.bin/buf'), ['generate'], {
      cwd: join(root, 'protos'),
      what: 'Generating TypeScript from the protos',
      env: { PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` },
    });
  });
}

export async function generatePython(tell) {
  const hash = await hashOf(['protos', 'tools/generate/python.py', 'python-worker/locks']);
  return whenChanged('protos-python', { hash, outputs: [pythonOut] }, async () => {
    tell('grpc_tools.protoc');
    await run('protoc', venvPython, ['tools/generate/python.py'], {
      what: 'Generating Python from the protos',
    });
  });
}
