import { MurnauError, rateKey, towerNames } from '@murnau/domain';
import { parse as parseYaml } from 'yaml';
import { isIdKey } from './yaml-place.js';

interface SetValue {
  readonly path: readonly string[];
  readonly value: unknown;
}

/**
 * Reads `key=value`, the key dotted, the value as YAML has it: `0.1`, `true`, `[1, 2]`, text.
 * @throws MurnauError `usage.invalid`
 */
export function parseSetValue(text: string): SetValue {
  const equals = text.indexOf('=');
  const key = text.slice(0, equals).trim();
  if (equals < 1 || !/^[a-z0-9_]+(\.[a-z0-9_]+)*$/.test(key)) {
    throw new MurnauError('usage.invalid', `--set ${text}: is not key=value`, {
      field: '--set',
      given: text,
      allowed: `key=value, e.g. --set ${rateKey(towerNames[0])}=0.1 --set samples.every_steps=25`,
    });
  }
  try {
    const path = key.split('.');
    const written = text.slice(equals + 1);
    const value: unknown = parseYaml(written);
    const isId = typeof value === 'number' && isIdKey(path.at(-1));
    return { path, value: isId ? written.trim() : (value ?? '') };
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    throw new MurnauError('usage.invalid', `--set ${text}: the value is not valid YAML: ${reason}`, {
      cause,
    });
  }
}

/** A copy with the value at a path; objects on the way are made. */
export function withValue(root: unknown, path: readonly string[], value: unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  const record = typeof root === 'object' && root !== null ? (root as Record<string, unknown>) : {};
  if (Array.isArray(root)) {
    const copy: unknown[] = [...(root as unknown[])];
    copy[Number(head)] = withValue(copy[Number(head)], rest, value);
    return copy;
  }
  return { ...record, [head]: withValue(record[head], rest, value) };
}
