import type { ApiClient } from '@murnau/api-client';
import { initializerFields, initializersOf, MurnauError } from '@murnau/domain';
import type { SweepFile, TrainingSpec } from '@murnau/domain';

/**
 * Has the server look at the words before pictures are sent; it looks again when the work is created.
 * @param fieldOf what the request that follows calls a field of one of the words
 */
async function checkWords(
  client: ApiClient,
  body: Parameters<ApiClient['checkWords']>[0],
  fieldOf: (index: number, field: string) => string,
): Promise<void> {
  try {
    await client.checkWords(body);
  } catch (error) {
    const [, index, field] =
      error instanceof MurnauError ? (/^words\[(\d+)\]\.(.+)$/.exec(error.field ?? '') ?? []) : [];
    if (!(error instanceof MurnauError) || field === undefined) throw error;
    const { code, message, given, allowed } = error;
    throw new MurnauError(code, message, {
      field: fieldOf(Number(index), field),
      given,
      allowed,
      cause: error,
    });
  }
}

export async function checkWordsOfSpec(client: ApiClient, spec: TrainingSpec): Promise<void> {
  const { model, placeholder_token, initializer_token, num_vectors } = spec;
  const own = {
    ...initializerFields(initializersOf(spec)),
    initializer_embedding: spec.initializer_embedding,
  };
  const words = [{ placeholder_token, initializer_token, num_vectors, ...own }];
  await checkWords(client, { model, words }, (_, field) => `spec.${field}`);
}

/** @param vectors the fewest that a trial learns */
export async function checkWordsOfSweep(client: ApiClient, file: SweepFile, vectors: number): Promise<void> {
  const words = file.parameters.pair.values.map(({ placeholder, initializer, dataset: _, ...own }) => ({
    placeholder_token: placeholder,
    initializer_token: initializer,
    num_vectors: vectors,
    ...own,
  }));
  await checkWords(
    client,
    { model: file.model, words },
    (index, field) => `parameters.pair.values[${index}].${field.replace(/_token$/, '')}`,
  );
}
