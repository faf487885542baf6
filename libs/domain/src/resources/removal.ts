import { z } from 'zod';

/** What people may remove. */
export const removableKinds = ['dataset', 'run', 'sweep', 'embedding', 'generation'] as const;
export type RemovableKind = (typeof removableKinds)[number];

const removedSchema = z.object({
  kind: z.enum(removableKinds),
  id: z.string(),
  /** Of an embedding its word, of a generation its task. */
  name: z.string(),
});
/** One thing that goes. */
export type Removed = z.output<typeof removedSchema>;

/** Most dependants that are named; the others are counted. */
export const mostNamed = 20;

/** What goes, or has gone, with one removal. */
export const removalSchema = removedSchema.extend({
  /** Trials that go with their sweeps. */
  trials: z.int(),
  /** What refers to it and goes with it: the first 20. */
  dependants: z.array(removedSchema),
  dependant_count: z.int(),
});
export type Removal = z.output<typeof removalSchema>;
