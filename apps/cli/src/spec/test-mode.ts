import { samplesSchema } from '@murnau/domain';
import { withValue } from './set-values.js';

/** Steps of each trial: enough to see a checkpoint and a picture come. */
const testSteps = 4;

/** What `--test-mode` changes of a sweep file: each trial a few steps, one checkpoint and one picture. */
const changes: readonly (readonly [string, unknown])[] = [
  ['parameters.max_steps', { value: testSteps }],
  ['checkpoint.every_steps', testSteps],
  ['eval.every_steps', 0],
  ['samples.every_steps', testSteps],
  ['samples.per_prompt', 1],
  ['samples.final_count', 0],
];

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A copy of a sweep file's content for a try-out. Values of `max_steps` become one, so a grid over them has fewer
 * trials. What is not shaped like a sweep file is left as it is: the check says what is wrong with it.
 */
export function forTestMode(root: unknown): unknown {
  if (!isRecord(root)) return root;
  const { samples, name } = root;
  let value: unknown = typeof name === 'string' ? { ...root, name: `${name.slice(0, 75)}-test` } : root;
  for (const [path, changed] of changes) {
    const [head = '', ...rest] = path.split('.');
    const holder = (value as Record<string, unknown>)[head];
    if (holder === undefined || isRecord(holder)) value = withValue(value, [head, ...rest], changed);
  }
  if (samples === undefined || isRecord(samples)) {
    const given: unknown = samples?.['prompts'] ?? samplesSchema.parse({}).prompts;
    if (Array.isArray(given)) value = withValue(value, ['samples', 'prompts'], given.slice(0, 1));
  }
  return value;
}
