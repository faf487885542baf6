import { z } from 'zod';

/** An object's schema whose output has its keys in the order of the input, not of the schema: it means something. */
export function inInputOrder<Schema extends z.ZodObject>(
  schema: Schema,
): z.ZodType<z.output<Schema>, z.input<Schema>> {
  // Written and read within one synchronous parse.
  let keys: string[] = [];
  const remember = (input: unknown): unknown => {
    keys = typeof input === 'object' && input !== null ? Object.keys(input) : [];
    return input;
  };
  const ordered = schema.overwrite((value) => {
    const entries = Object.entries(value);
    const placeOf = (name: string): number => (keys.includes(name) ? keys.indexOf(name) : keys.length);
    return Object.fromEntries(entries.sort(([a], [b]) => placeOf(a) - placeOf(b))) as typeof value;
  });
  return z.preprocess(remember, ordered) as unknown as z.ZodType<z.output<Schema>, z.input<Schema>>;
}
