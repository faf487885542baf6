import type { z } from 'zod';
import { nearest } from './nearest.js';

type Issue = z.core.$ZodIssue;

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
  record: 'a mapping of keys to values',
};

const isNumeral = (value: unknown): boolean =>
  typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value));

function wrongKind(expected: string, given: unknown): string {
  const kind = kinds[expected] ?? expected;
  if (given === undefined) return `is missing (${kind})`;
  if ((expected === 'number' || expected === 'int') && isNumeral(given))
    return `must be ${kind}, without quotes`;
  if (expected === 'string' && (typeof given === 'number' || typeof given === 'boolean')) {
    return 'must be text: put it in quotes';
  }
  return `must be ${kind}`;
}

function outside(
  bound: 'least' | 'most',
  issue: { origin: string; limit: number | bigint; inclusive: boolean },
): string {
  const { origin, limit, inclusive } = issue;
  const isLeast = bound === 'least';
  if (origin === 'string') {
    if (isLeast && Number(limit) === 1) return 'must not be empty';
    return `must have at ${bound} ${limit} characters`;
  }
  if (origin === 'array') {
    if (isLeast && Number(limit) === 1) return 'must have an entry';
    return `must have at ${bound} ${limit} entries`;
  }
  if (inclusive) return `must be at ${bound} ${limit}`;
  return `must be ${isLeast ? 'above' : 'below'} ${limit}`;
}

function notAmong(values: readonly unknown[], given: unknown): string {
  if (values.length === 1) return `must be ${String(values[0])}`;
  const words = values.map(String);
  if (given === undefined) return `is missing (one of: ${words.join(', ')})`;
  const near = typeof given === 'string' ? nearest(given, words) : undefined;
  const hint = near === undefined || near === given ? '' : `; did you mean "${near}"?`;
  return `must be one of: ${words.join(', ')}${hint}`;
}

/** How zod begins what no schema of ours has said better. */
const zodsOwn = /^(Invalid|Too|Unrecognized)/;

/** What is wrong with a value, as it follows the value's name: `must be at least 1`. */
export function issueText(issue: Issue, given: unknown): string {
  if (typeof given === 'number' && !Number.isFinite(given)) return 'must be a finite number';
  if (!zodsOwn.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return wrongKind(issue.expected, given);
    case 'invalid_value':
      return notAmong(issue.values, given);
    case 'too_small':
      return outside('least', {
        origin: issue.origin,
        limit: issue.minimum,
        inclusive: issue.inclusive ?? true,
      });
    case 'too_big':
      return outside('most', {
        origin: issue.origin,
        limit: issue.maximum,
        inclusive: issue.inclusive ?? true,
      });
    default:
      return issue.message;
  }
}
