import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import type { WorkflowBundle } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';

const folder = new URL('../histories/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.json'));

let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  const workflowsPath = fileURLToPath(new URL('../dist/index.js', import.meta.url));
  workflowBundle = await bundleWorkflowCode({ workflowsPath });
}, 120_000);

/** What the SDK itself brings. */
const packagesOfTheSdk = ['@temporalio/common', '@temporalio/workflow', 'long', 'ms', 'nexus-rpc'];

it('load no package but the SDK: every workflow that begins runs the whole bundle', () => {
  if (!('code' in workflowBundle)) throw new TypeError('the bundle has no code');
  const packages = workflowBundle.code.matchAll(/^\/\*{3}\/ "[^"]*node_modules\/(@[^/]+\/[^/]+|[^/]+)\//gm);
  expect([...new Set([...packages].map(([, name]) => name))].sort()).toEqual(packagesOfTheSdk);
});

describe('recorded histories', () => {
  it('are there', () => {
    expect(names.length).toBeGreaterThanOrEqual(10);
  });

  it.each(names)(
    '%s replays',
    async (name) => {
      const history: unknown = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
      await Worker.runReplayHistory({ workflowBundle, replayName: name }, history, name);
    },
    60_000,
  );
});
