import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MurnauError } from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import { malformed, wellFormed } from '../testing/malformed/index.js';
import { loadSweep, parseSweep } from './sweep-file.js';

function refusalOf(text: string): MurnauError {
  try {
    parseSweep(text, '/some/where/pairs.yaml');
  } catch (error) {
    if (error instanceof MurnauError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('a sweep file that is no text', () => {
  it('is refused, not read with other letters', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'murnau-latin-')), 'pairs.yaml');
    writeFileSync(path, Buffer.from('name: k\u00e4fer\n', 'latin1'));
    await expect(loadSweep(path, {})).rejects.toMatchObject({
      code: 'usage.invalid',
      message: expect.stringContaining('is not UTF-8 text') as string,
    });
    rmSync(dirname(path), { recursive: true });
  });
});

describe('a malformed sweep file', () => {
  it('is one of many, each another edit of a file that is accepted', () => {
    expect(parseSweep(wellFormed, 'pairs.yaml').trials).toHaveLength(4);
    expect(malformed.length).toBeGreaterThanOrEqual(60);
    expect(new Set(malformed.map(({ text }) => text)).size).toBe(malformed.length);
    expect(new Set(malformed.map(({ why }) => why)).size).toBe(malformed.length);
  });

  it.each(malformed)('$why: $place', ({ text, place, field, says }) => {
    const error = refusalOf(text);
    expect(error.message.startsWith(`pairs.yaml:${place}: ${says}`), error.message).toBe(true);
    expect(error.field).toBe(field);
    expect(error.kind.exitCode).toBe(2);
    if (field === undefined) return;
    expect(error.given, 'what was given').toBeDefined();
    expect(error.allowed, 'what is allowed').toBeTruthy();
  });
});
