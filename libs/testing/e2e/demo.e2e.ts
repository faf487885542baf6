import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { repository } from '../src/index.js';

interface DemoReport {
  first_step_s: number;
  first_picture_s: number;
  total_s: number;
  trials: number;
  best_run: string;
  image_alignment: number;
  baseline_image_alignment: number;
  contact_sheet: string;
}

it('npm start -- --once trains, shows and stops', { timeout: 900_000 }, async () => {
  const home = await mkdtemp(join(tmpdir(), 'murnau-demo-'));
  try {
    const { stdout } = await promisify(execFile)(
      'npm',
      ['start', '--', '--once', '--out', join(home, 'out')],
      {
        cwd: repository,
        env: { ...process.env, MURNAU_HOME: join(home, 'home'), NO_COLOR: '1' },
        maxBuffer: 64 << 20,
        timeout: 890_000,
      },
    );
    const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as DemoReport;
    expect(report.trials).toBe(4);
    expect(report.first_step_s).toBeGreaterThan(0);
    expect(report.first_picture_s).toBeGreaterThan(report.first_step_s);
    expect(report.total_s).toBeGreaterThan(report.first_picture_s);
    expect(report.best_run).toMatch(/^[0-9a-f]{8}$/);
    for (const alignment of [report.image_alignment, report.baseline_image_alignment]) {
      expect(alignment).toBeGreaterThanOrEqual(0);
      expect(alignment).toBeLessThanOrEqual(1);
    }
    expect(report.image_alignment).toBeGreaterThan(report.baseline_image_alignment + 0.2);
    const png = await readFile(report.contact_sheet);
    expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');
    expect(png.byteLength).toBeGreaterThan(10_000);
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
});
