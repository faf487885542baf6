import { z } from 'zod';

type Schema = z.core.$ZodType;

const loosened = new WeakMap<Schema, z.ZodType>();

function loosen(schema: Schema): z.ZodType {
  const known = loosened.get(schema);
  if (known !== undefined) return known;
  const loose = build(schema as z.core.$ZodTypes);
  loosened.set(schema, loose);
  return loose;
}

/** An absent key that may be null is null. */
const fieldOf = (schema: Schema): z.ZodType =>
  schema._zod.def.type === 'nullable' ? loosen(schema).default(null) : loosen(schema);

/** Checks that refuse nothing, such as an order of keys. */
const rewritesOf = ({ checks = [] }: z.core.$ZodTypeDef): z.core.$ZodCheck<object>[] =>
  (checks as z.core.$ZodCheck<object>[]).filter(({ _zod }) => _zod.def.check === 'overwrite');

function build(schema: z.core.$ZodTypes): z.ZodType {
  const { def } = schema._zod;
  switch (def.type) {
    case 'object': {
      const shape = Object.entries(def.shape).map(([key, field]) => [key, fieldOf(field)] as const);
      return z.object(Object.fromEntries(shape)).check(...rewritesOf(def));
    }
    case 'array':
      return z.array(loosen(def.element));
    case 'record':
      return z.record(z.string(), loosen(def.valueType));
    case 'union': {
      const options = def.options.map(loosen);
      const isOfObjects = def.options.every(({ _zod }) => _zod.def.type === 'object');
      return z.union(isOfObjects ? [...options, z.looseObject({})] : options);
    }
    case 'nullable':
      return loosen(def.innerType).nullable();
    case 'optional':
      return loosen(def.innerType).optional();
    case 'default':
      return loosen(def.innerType).default(def.defaultValue);
    case 'prefault':
      return loosen(def.innerType).prefault(def.defaultValue);
    case 'pipe':
      return z.pipe(loosen(def.in), loosen(def.out));
    case 'enum':
    case 'string':
      return z.string();
    case 'number':
      return z.number();
    default:
      return schema as unknown as z.ZodType;
  }
}

/**
 * A schema as a client reads answers by it: the server may be older or newer. Unknown keys are left out, an absent key
 * that may be null is null, words and kinds that are not known are taken as they are, and limits are the server's.
 */
export function asAnswer<Answer extends z.ZodType>(schema: Answer): z.ZodType<z.output<Answer>> {
  return loosen(schema) as z.ZodType<z.output<Answer>>;
}
