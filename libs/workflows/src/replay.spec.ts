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
