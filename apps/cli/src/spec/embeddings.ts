import type { ApiClient } from '@murnau/api-client';
import { idPattern, MurnauError, placeholderSchema } from '@murnau/domain';
import type { Embedding } from '@murnau/domain';

/**
 * An embedding by its id (or 4 or more digits of its beginning), else the newest of a placeholder.
 * @throws MurnauError `embedding.not_found`
 */
export async function findEmbedding(client: ApiClient, text: string): Promise<Embedding> {
  const mayBeId = /^[0-9a-f]{4,8}$/.test(text);
  const mayBeWord = placeholderSchema.safeParse(text).success && !idPattern.test(text);
  if (mayBeWord) {
    for await (const embedding of client.embeddings({ placeholder: text, limit: 1 })) return embedding;
  }
  if (mayBeId) return client.embedding(text);
  throw new MurnauError('embedding.not_found', `no embedding "${text}"`, {
    given: text,
    allowed: 'an id of 8 hexadecimal digits, or a placeholder that a finished run has learnt',
  });
}
