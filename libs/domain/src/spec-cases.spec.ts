import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { trainingSpecSchema } from './training-spec.js';

/**
 * Specs at the edges of what is allowed, with the field by which each is refused. The worker refuses by itself what
 * comes past this schema, and its tests (python-worker/tests/test_spec_cases.py) read the same file.
 */
const file = new URL('spec-cases.json', import.meta.url);

type Value = number | string | boolean | null;
/** Values by the path of their field; null: the field is left out. */
type Changes = Record<string, Value>;

const base = trainingSpecSchema.parse({
  placeholder_token: 'lumicar',
  initializer_token: 'car',
  max_steps: 200,
  samples: { prompts: ['a photo of a {placeholder}'] },
});

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
}

/** Values on both sides of a number's limits. */
function edges({ type, minimum, exclusiveMinimum, maximum, exclusiveMaximum }: Schema): number[] {
  const beside = type === 'integer' ? 1 : 1 / 1_024;
  return [minimum, exclusiveMinimum, maximum, exclusiveMaximum]
    .filter((limit) => limit !== undefined)
    .flatMap((limit) => [limit - beside, limit, limit + beside]);
}

function numberCases(schema: Schema, path: readonly string[] = []): Changes[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const place = [...path, name];
    const own = edges(property).map((value) => ({ [place.join('.')]: value }));
    return [...own, ...numberCases(property, place)];
  });
}

/** Across fields, and what a spec may leave out. */
const rules: Changes[] = [
  { batch_size: 64, gradient_accumulation_steps: 4 },
  { batch_size: 64, gradient_accumulation_steps: 5 },
  { batch_size: 16, gradient_accumulation_steps: 17 },
  { objective: 'split', max_steps: 1 },
  { objective: 'split', max_steps: 2 },
  { objective: 'split', max_steps: 1, schedule_steps: 2 },
  { objective: 'split', max_steps: 9, schedule_steps: 1 },
  { objective: 'warm_joint', warm_steps: 60, max_steps: 60 },
  { objective: 'warm_joint', warm_steps: 60, max_steps: 61 },
  { objective: 'joint', warm_steps: 60, max_steps: 1 },
  { 'stop_when.plateau': true, 'eval.every_steps': 0 },
  { 'stop_when.plateau': true, 'eval.every_steps': 1 },
  { objective: 'other' },
  { optimizer: 'other' },
  { template_languages: 'en,other' },
  { learning_rate_t1: null, learning_rate_t2: null },
];

function changed(changes: Changes): unknown {
  const spec = structuredClone(base) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    const section = names.reduce((inner, name) => inner[name] as Record<string, unknown>, spec);
    if (value === null) delete section[last];
    else section[last] = value;
  }
  return spec;
}

function refusedBy(changes: Changes): string | null {
  const result = trainingSpecSchema.safeParse(changed(changes));
  return result.success ? null : (result.error.issues[0]?.path.join('.') ?? '');
}

const onOneLine = (value: unknown): string => JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, ' ');

it('decides the cases as the file says', () => {
  const schema = z.toJSONSchema(trainingSpecSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
  const cases = [...numberCases(schema), ...rules].map((set) => ({ set, refused_by: refusedBy(set) }));
  const lines = cases.map(onOneLine).join(',\n');
  // `npm run format` lays it out.
  if (process.env['UPDATE_GOLDENS'] === '1') {
    writeFileSync(file, `{ "base": ${JSON.stringify(base)}, "cases": [\n${lines}\n] }\n`);
  }
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify({ base, cases })));
  expect(cases.filter(({ refused_by }) => refused_by !== null).length).toBeGreaterThan(40);
});
