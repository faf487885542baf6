import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseSharedMemory, postgresSettings } from './postgres-settings.js';

describe('postgresSettings', () => {
  it('quotes paths twice: as an entry of a list, and as a value', () => {
    const text = postgresSettings(`/a,b"c'd\\e`, `/it's\\mine`, 'posix');
    expect(text).toContain(`unix_socket_directories = '"/a,b""c''d\\\\e"'\n`);
    expect(text).toContain(`include_if_exists = '/it''s\\\\mine'\n`);
  });
});

describe.runIf(process.platform === 'linux')('chooseSharedMemory', () => {
  it('takes /dev/shm only where the server can write there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'murnau-shm-'));
    chmodSync(folder, 0o700);
    expect(await chooseSharedMemory(false, folder)).toBe('posix');
    expect(await chooseSharedMemory(true, folder)).toBe('mmap');
    chmodSync(folder, 0o777);
    expect(await chooseSharedMemory(true, folder)).toBe('posix');
    rmSync(folder, { recursive: true });
    expect(await chooseSharedMemory(false, folder)).toBe('mmap');
  });
});
