import { z } from 'zod';
import { MurnauError } from './errors.js';
import { issueText } from './issue-text.js';
import { nearest } from './nearest.js';
import { findOddText } from './odd-text.js';

type Issue = z.core.$ZodIssue;

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
    .join('');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[part] : undefined,
    value,
  );
}

function shown(value: unknown): string {
  // What could be taken for a number, or for nothing, is shown in quotes.
  const isPlain = typeof value === 'number' || (typeof value === 'string' && /^[^\d.+-]/.test(value));
  return cut(isPlain ? String(value) : (JSON.stringify(value) ?? String(value)));
}

const cut = (text: string): string => (text.length > 120 ? `${text.slice(0, 117)}...` : text);

interface SchemaNode {
  readonly def?: Record<string, unknown>;
  readonly shape?: Record<string, SchemaNode>;
  readonly values?: ReadonlySet<unknown>;
}

/** What an optional, a default or a pipe is made of; of a preprocessing pipe what it leads to. */
function innerOf({ def }: SchemaNode): unknown {
  const from = def?.['in'] as SchemaNode | undefined;
  return def?.['innerType'] ?? (from?.def?.['type'] === 'transform' ? def?.['out'] : from);
}

/** Those of a union's options that the value's own words choose; without such words all. */
function chosenOptions({ def }: SchemaNode, value: unknown): SchemaNode[] {
  const options = (def?.['options'] ?? []) as SchemaNode[];
  const discriminator = def?.['discriminator'];
  if (typeof discriminator !== 'string') return options;
  const word = valueAt(value, [discriminator]);
  return options.filter(({ shape }) => shape?.[discriminator]?.values?.has(word) === true);
}

/** Keys that the object schema at `path` knows; looks through optionals, defaults, arrays and unions. */
function knownKeys(schema: unknown, value: unknown, path: readonly PropertyKey[]): string[] {
  const node = schema as SchemaNode;
  const inner = innerOf(node);
  if (inner !== undefined) return knownKeys(inner, value, path);
  if (Array.isArray(node.def?.['options'])) {
    return chosenOptions(node, value).flatMap((option) => knownKeys(option, value, path));
  }
  const [head, ...rest] = path;
  if (head === undefined) return Object.keys(node.shape ?? {});
  const below = valueAt(value, [head]);
  if (node.shape !== undefined) return knownKeys(node.shape[String(head)], below, rest);
  return knownKeys(node.def?.['element'] ?? node.def?.['valueType'] ?? {}, below, rest);
}

/** The node of a schema at a path; looks through optionals and defaults. */
function schemaAt(schema: unknown, path: readonly PropertyKey[]): SchemaNode {
  const node = schema as SchemaNode;
  const inner = innerOf(node);
  if (inner !== undefined) return schemaAt(inner, path);
  const [head, ...rest] = path;
  if (head === undefined) return node;
  return schemaAt(node.shape?.[String(head)] ?? node.def?.['element'] ?? node.def?.['valueType'] ?? {}, rest);
}

/**
 * What is wrong by the option of a union that shares most keys with the value; an unknown key where none shares any.
 * Undefined where no option is meant more than another.
 */
function meantOption(
  schema: z.ZodType,
  value: unknown,
  issue: Issue & { code: 'invalid_union' },
): Issue | undefined {
  const given = valueAt(value, issue.path);
  if (typeof given !== 'object' || given === null) return undefined;
  const options = (schemaAt(schema, issue.path).def?.['options'] ?? []) as SchemaNode[];
  const shared = options.map(
    ({ shape }) => Object.keys(given).filter((key) => Object.hasOwn(shape ?? {}, key)).length,
  );
  const most = Math.max(0, ...shared);
  const keys = Object.keys(given);
  const isUnknown = most === 0 && keys.length > 0 && !Array.isArray(given) && options.length > 0;
  if (isUnknown) return { code: 'unrecognized_keys', keys, path: [], input: { ...given }, message: '' };
  const isClear = shared.filter((count) => count === most).length === 1;
  return isClear ? mostTelling(issue.errors[shared.indexOf(most)] ?? []) : undefined;
}

const mostTelling = (issues: readonly Issue[]): Issue | undefined =>
  issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];

function toError(schema: z.ZodType, value: unknown, issue: Issue, what: string): MurnauError {
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const keys = [...new Set(knownKeys(schema, value, issue.path))];
    const present = Object.keys(valueAt(value, issue.path) ?? {});
    const field = pathText([...issue.path, key]);
    const absent = keys.filter((known) => !present.includes(known));
    const near = nearest(key, absent) ?? nearest(key, keys);
    const hint = near === undefined ? '' : `; did you mean "${near}"?`;
    return new MurnauError('spec.invalid', `${what}: unknown key "${field}"${hint}`, {
      field,
      given: key,
      allowed: keys.join(', '),
    });
  }
  if (issue.code === 'invalid_union') {
    const meant = meantOption(schema, value, issue);
    if (meant !== undefined) {
      return toError(schema, value, { ...meant, path: [...issue.path, ...meant.path] }, what);
    }
  }
  const field = pathText(issue.path);
  const given = valueAt(value, issue.path);
  const givenText = given === undefined ? 'nothing' : shown(given);
  const problem = issueText(issue, given);
  const where = field === '' ? what : `${what}: ${field}`;
  const code =
    field.split('.').at(-1)?.startsWith('placeholder') === true ? 'placeholder.characters' : 'spec.invalid';
  return new MurnauError(code, `${where}: ${problem} (given: ${givenText})`, {
    field,
    given: givenText,
    allowed: problem,
  });
}

/** @throws MurnauError `spec.invalid` for a text that cannot be stored and shown, naming its field. */
export function refuseOddText(value: unknown, what: string): void {
  const odd = findOddText(value);
  if (odd === undefined) return;
  const field = pathText(odd.path);
  const given = cut(odd.given);
  throw new MurnauError(
    'spec.invalid',
    `${field === '' ? what : `${what}: ${field}`}: ${odd.problem} (given: ${given})`,
    { field, given, allowed: odd.problem },
  );
}

/**
 * Checks what a person or a program gives against a schema and fills its defaults.
 * @param what what the value is, as it starts the message: "sweep file", "training spec".
 * @throws MurnauError `spec.invalid` naming the first wrong field, what was given and what is allowed.
 */
export function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  refuseOddText(value, what);
  return parseAnswer(schema, value, what);
}

/** As `parse`, of what our own server answers: its texts are shown as they are stored. */
export function parseAnswer<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const issue = mostTelling(issues);
  if (issue === undefined) throw new MurnauError('spec.invalid', `${what}: not valid`);
  throw toError(schema, value, issue, what);
}
