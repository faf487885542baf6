import { MurnauError } from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { logLevelSchema, portSchema, readEnv } from './read-env.js';

const schema = z.object({
  API_PORT: portSchema.default(7800),
  API_TOKEN: z.string().min(16, 'at least 16 characters'),
  LOG_LEVEL: logLevelSchema,
});
const token = 'x'.repeat(16);

function refusal(env: Record<string, string>): MurnauError {
  try {
    readEnv(schema, env);
  } catch (error) {
    if (error instanceof MurnauError) return error;
  }
  throw new Error('was accepted');
}

describe('readEnv', () => {
  it('converts, fills defaults, takes an empty variable for an absent one and ignores the rest', () => {
    expect(readEnv(schema, { API_PORT: '7801', API_TOKEN: token, LOG_LEVEL: '', PATH: '/bin' })).toEqual({
      API_PORT: 7801,
      API_TOKEN: token,
      LOG_LEVEL: 'info',
    });
  });

  it('names the variable, what was given and what is allowed', () => {
    expect(refusal({ API_TOKEN: token, API_PORT: '99999' })).toMatchObject({
      code: 'config.invalid',
      field: 'API_PORT',
      message: 'The environment variable API_PORT is "99999": it must be a port from 1 to 65535.',
    });
    expect(refusal({ API_TOKEN: token, LOG_LEVEL: 'loud' }).message).toContain('one of fatal, error, warn');
    expect(refusal({}).message).toBe(
      'The environment variable API_TOKEN is missing: it must be set (string).',
    );
  });

  it('never shows a secret', () => {
    expect(JSON.stringify(refusal({ API_TOKEN: 'secret' }))).not.toContain('secret');
    expect(refusal({ API_TOKEN: 'secret' }).message).not.toContain('secret');
  });
});
