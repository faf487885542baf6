import { MurnauError } from '@murnau/domain';
import { z } from 'zod';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads an app's settings from its environment. An empty variable counts as absent; variables the schema does not name
 * are left alone.
 * @throws MurnauError `config.invalid` naming the variable, what it holds and what is allowed
 */
export function readEnv<Schema extends z.ZodObject>(schema: Schema, env: Environment): z.output<Schema> {
  const given = Object.fromEntries(
    Object.keys(schema.shape).flatMap((name) =>
      env[name] === undefined || env[name] === '' ? [] : [[name, env[name]]],
    ),
  );
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const name = String(issue?.path[0] ?? '');
  const value = given[name];
  const allowed = issue === undefined ? '' : describe(issue);
  const shown = value === undefined ? 'nothing' : isSecret(name) ? 'a hidden value' : `"${value}"`;
  throw new MurnauError(
    'config.invalid',
    `The environment variable ${name} ${value === undefined ? 'is missing' : `is ${shown}`}: it must be ${allowed}.`,
    {
      field: name,
      given: shown,
      allowed,
    },
  );
}

/** A TCP port, given as text. */
export const portSchema = z.coerce
  .number({ error: 'a port from 1 to 65535' })
  .int('a port from 1 to 65535')
  .min(1, 'a port from 1 to 65535')
  .max(65_535, 'a port from 1 to 65535');

/** A whole number within bounds, given as text. */
export function limitSchema(least: number, most: number): z.ZodCoercedNumber {
  const error = `a whole number from ${least} to ${most}`;
  return z.coerce.number({ error }).int(error).min(least, error).max(most, error);
}

export const logLevelSchema = z
  .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  .default('info');

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_type') return `set (${issue.expected})`;
  return issue.message;
}

const isSecret = (name: string): boolean => /TOKEN|PASSWORD|SECRET|_URL$/.test(name);
