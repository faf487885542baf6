import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rotateLogs } from './logs.js';

test('a long log is set aside and its writer goes on at the beginning', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'murnau-logs-'));
  const path = join(folder, 'part.log');
  const writer = await open(path, 'a');
  await writer.write('old\n'.repeat(100));
  await rotateLogs(folder, 1_000);
  expect(await readFile(path, 'utf8')).toHaveLength(400);
  await rotateLogs(folder, 100);
  await writer.write('new\n');
  expect(await readFile(path, 'utf8')).toBe('new\n');
  expect(await readFile(`${path}.1`, 'utf8')).toHaveLength(400);
  await writer.close();
  await rm(folder, { recursive: true });
});
