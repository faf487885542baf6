import { z } from 'zod';
import { MurnauError } from './errors.js';
import { nearest } from './nearest.js';

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
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

interface SchemaNode {
  readonly def?: Record<string, unknown>;
  readonly shape?: Record<string, SchemaNode>;
  readonly values?: ReadonlySet<unknown>;
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
  const inner = node.def?.['innerType'] ?? node.def?.['in'];
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

function toError(schema: z.ZodType, value: unknown, issue: Issue, what: string): MurnauError {
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const keys = knownKeys(schema, value, issue.path);
    const field = pathText([...issue.path, key]);
    const near = nearest(key, keys);
    const hint = near === undefined ? '' : `; did you mean "${near}"?`;
    return new MurnauError('spec.invalid', `${what}: unknown key "${field}"${hint}`, {
      field,
      given: key,
      allowed: keys.join(', '),
    });
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const deepest = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0];
    if (deepest !== undefined && deepest.path.length > 0) {
      return toError(schema, value, { ...deepest, path: [...issue.path, ...deepest.path] }, what);
    }
  }
  const field = pathText(issue.path);
  const given = valueAt(value, issue.path);
  const givenText = given === undefined ? 'nothing' : shown(given);
  const problem =
    given === undefined && issue.code === 'invalid_type' ? `is missing (${issue.expected})` : issue.message;
  const where = field === '' ? '' : ` ${field}`;
  const code =
    field.split('.').at(-1)?.startsWith('placeholder') === true ? 'placeholder.characters' : 'spec.invalid';
  return new MurnauError(code, `${what}:${where}: ${problem} (given: ${givenText})`, {
    field,
    given: givenText,
    allowed: problem,
  });
}

/**
 * Checks a value against a schema and fills its defaults.
 * @param what what the value is, as it starts the message: "sweep file", "training spec".
 * @throws MurnauError `spec.invalid` naming the first wrong field, what was given and what is allowed.
 */
export function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue === undefined) throw new MurnauError('spec.invalid', `${what}: not valid`);
  throw toError(schema, value, issue, what);
}
