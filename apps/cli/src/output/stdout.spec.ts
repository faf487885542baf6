import { spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createOutput } from '../core/io.js';

const entry = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const full = '/dev/full';

/** Runs a command whose stdout or stderr is a disk without room. */
function runFull(
  args: readonly string[],
  which: 'stdout' | 'stderr',
): Promise<{ code: number | null; other: string }> {
  return new Promise((resolve, reject) => {
    const descriptor = openSync(full, 'w');
    const child = spawn(process.execPath, [entry, ...args], {
      env: { HOME: '/nonexistent', MURNAU_HOME: '/nonexistent' },
      stdio: ['ignore', which === 'stdout' ? descriptor : 'pipe', which === 'stderr' ? descriptor : 'pipe'],
    });
    let other = '';
    (child.stdout ?? child.stderr)?.setEncoding('utf8').on('data', (text: string) => (other += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, other }));
  });
}

describe.skipIf(!existsSync(full))('a full disk', { timeout: 20_000 }, () => {
  it.each([['--version'], ['--help'], ['train', '--help'], ['completion', 'bash']])(
    'under stdout is an error of %s %s',
    async (...args) => {
      const { code, other } = await runFull(args, 'stdout');
      expect(code).toBe(100);
      expect(other).toMatch(/^error: stdout cannot be written: ENOSPC.*\n {2}code {5}storage\.full\n/);
    },
  );

  it('under stdout is said as a document with --json', async () => {
    const { code, other } = await runFull(['completion', 'zsh', '--json'], 'stdout');
    expect(code).toBe(100);
    expect(JSON.parse(other)).toMatchObject({ error: { code: 'storage.full' } });
  });

  it('under stderr changes nothing about the data and the exit code', async () => {
    expect(await runFull(['--version'], 'stderr')).toMatchObject({ code: 0, other: '0.0.0\n' });
    expect(await runFull(['runs', 'ls'], 'stderr')).toEqual({ code: 2, other: '' });
  });
});

describe('a terminal that does not know its size', () => {
  const environment = { colour: 'never', canRedraw: true } as const;
  const write = (): boolean => true;
  it('counts as one of ordinary size', () => {
    const output = createOutput({ write, isTTY: true, columns: 0, rows: 0 }, environment);
    expect([output.columns(), output.rows()]).toEqual([100, 24]);
    const known = createOutput({ write, isTTY: true, columns: 60, rows: 10 }, environment);
    expect([known.columns(), known.rows()]).toEqual([60, 10]);
  });
});
