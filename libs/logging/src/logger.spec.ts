import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.js';

function capture(level?: 'debug') {
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  return { lines, logger: createLogger({ part: 'api', stream, ...(level && { level }) }) };
}

describe('createLogger', () => {
  it('writes one JSON object per line, with the part, a word for the level and a readable time', () => {
    const { lines, logger } = capture();
    logger.info({ run_id: '7f3a91c2' }, 'claimed');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: 'info', part: 'api', run_id: '7f3a91c2', msg: 'claimed' });
    expect(new Date(String(lines[0]?.['time'])).getTime()).toBeGreaterThan(0);
  });

  it('keeps the stack and the cause of an error', () => {
    const { lines, logger } = capture();
    logger.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed');
    expect(JSON.stringify(lines[0]?.['err'])).toContain('inner');
  });

  it('stays quiet below its level and hides tokens', () => {
    const { lines, logger } = capture();
    logger.debug('not shown');
    logger.info({ token: 'secret', headers: { authorization: 'Bearer secret' } }, 'request');
    expect(JSON.stringify(lines)).not.toContain('secret');
    expect(lines).toHaveLength(1);
  });
});
