import { familyNames, familyTable, foreignKey, MurnauError } from '@murnau/domain';
import type { FamilyName, FamilyTable } from '@murnau/domain';
import type { ServerDeps } from '../server-deps.js';

/** A key that a request gives. */
export interface GivenKey {
  readonly key: string;
  /** What the request calls it. */
  readonly field: string;
  /** The values that it has, or may come to have. */
  readonly values: readonly unknown[];
}

/** @param values by key; a list is one of values that are searched */
export const givenKeys = (
  values: Readonly<Partial<Record<string, unknown>>>,
  fieldOf: (key: string) => string,
): GivenKey[] =>
  Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, field: fieldOf(key), values: Array.isArray(value) ? value : [value] }],
  );

interface Known {
  readonly store: { readonly workers: Pick<ServerDeps['store']['workers'], 'list'> };
}

/** The family of a model as its workers name it; undefined where none has. */
async function namedFamily({ store }: Known, model: string): Promise<string | undefined> {
  const models = (await store.workers.list()).flatMap((worker) => worker.models);
  return models.find(({ name }) => name === model)?.family;
}

/** The same, of the families that are known here. */
export async function familyOf(deps: Known, model: string): Promise<FamilyName | undefined> {
  const named = await namedFamily(deps, model);
  return familyNames.find((name) => name === named);
}

/**
 * Refuses keys that mean nothing for the family of a model, as its workers name it.
 * @throws MurnauError `spec.invalid`
 */
export async function checkKeys(
  deps: Known,
  model: string,
  given: readonly GivenKey[],
  table: FamilyTable = familyTable,
): Promise<void> {
  const family = await namedFamily(deps, model);
  if (family === undefined) return;
  for (const { field, key, values } of given) {
    const foreign = foreignKey(family, { key, values }, table);
    if (foreign === undefined) continue;
    throw new MurnauError('spec.invalid', `${field}: ${foreign.message}`, {
      field,
      given: key,
      allowed: `models of ${foreign.families.join(', ')}`,
    });
  }
}
