import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../bootstrap/root.mjs';
import { readOptions } from './options.mjs';

describe('options', () => {
  it('are numbers', () => {
    expect(readOptions([])).toEqual({ requests: 10_000, seed: 1 });
    expect(readOptions(['--requests=7', '--seed=0'])).toEqual({ requests: 7, seed: 0 });
  });

  it.each(['--requests=0', '--requests=many', '--seed', '--minutes=3'])('refuses %s', (arg) => {
    expect(() => readOptions([arg])).toThrow(arg);
  });
});

it(
  'the api answers what schemathesis makes of its description as described',
  { timeout: 600_000 },
  async () => {
    const requests = 400;
    const report = await new Promise((resolve, reject) => {
      const args = [join(root, 'tools/fuzz/main.mjs'), `--requests=${requests}`, '--seed=1'];
      execFile(process.execPath, args, { maxBuffer: 1 << 27 }, (error, stdout, stderr) => {
        const last = stdout.trim().split('\n').at(-1) ?? '';
        if (last.startsWith('{')) resolve(JSON.parse(last));
        else reject(new Error(stderr, { cause: error }));
      });
    });
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ requests });
    expect(report.operations_covered).toBeGreaterThan(15);
  },
);
