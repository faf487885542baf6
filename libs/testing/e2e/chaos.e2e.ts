import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { repository } from '../src/index.js';

interface ChaosReport {
  readonly ok: boolean;
  readonly wrong?: readonly string[];
  readonly kills: Record<string, number>;
  readonly steps_recomputed: number;
  readonly bytes_equal: boolean;
}

it(
  'sweeps lose, double and change nothing while every kind of part is killed',
  { timeout: 600_000 },
  async () => {
    const report = await new Promise<ChaosReport>((resolve, reject) => {
      const program = join(repository, 'tools/chaos/main.mjs');
      const args = ['--minutes', '1', '--seed', '3', '--simulate'];
      execFile(process.execPath, [program, ...args], { maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
        const last = stdout.trim().split('\n').at(-1) ?? '';
        if (last === '') reject(new Error(stderr, { cause: error }));
        else resolve(JSON.parse(last) as ChaosReport);
      });
    });
    expect(report.wrong).toBeUndefined();
    expect(report).toMatchObject({ ok: true, bytes_equal: true });
    const kinds = new Set(Object.keys(report.kills).map((kind) => kind.replace(/_(kill|stop)$/, '')));
    const parts = ['advisor', 'api', 'cli', 'dispatcher', 'orchestrator', 'postgres', 'temporal', 'worker'];
    expect([...kinds].sort()).toEqual([...parts].sort());
  },
);
