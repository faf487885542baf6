import { type Generation, MurnauError, type Producer } from '@murnau/domain';
import type { Kysely, Selectable } from 'kysely';
import type { GenerationsTable } from '../database/generation-tables.js';
import type { Database } from '../database/schema.js';

export interface GeneratedImage {
  position: number;
  seed: number;
  hash: string;
}

export async function selectGeneration(
  db: Kysely<Database>,
  id: string,
): Promise<Selectable<GenerationsTable>> {
  const row = await db.selectFrom('generations').selectAll().where('id', '=', id).executeTakeFirst();
  if (row !== undefined) return row;
  throw new MurnauError('generation.not_found', `There is no generation ${id}.`, { given: id });
}

export async function selectImages(
  db: Kysely<Database>,
  ids: readonly string[],
): Promise<Map<string, GeneratedImage[]>> {
  const images = new Map<string, GeneratedImage[]>();
  if (ids.length === 0) return images;
  const rows = await db
    .selectFrom('generation_images')
    .selectAll()
    .where('generation_id', 'in', ids)
    .orderBy('generation_id')
    .orderBy('position')
    .execute();
  for (const { generation_id, position, seed, hash } of rows) {
    images.set(generation_id, [...(images.get(generation_id) ?? []), { position, seed, hash }]);
  }
  return images;
}

export function toGeneration(
  row: Selectable<GenerationsTable>,
  images: ReadonlyMap<string, GeneratedImage[]>,
): Generation {
  const { id, owner, phase, request, progress, failure, notices, preview_hash } = row;
  return {
    id,
    owner,
    phase,
    request,
    progress,
    images: images.get(id) ?? [],
    notices,
    preview_hash,
    produced_by: producerOf(row),
    failure,
    created_at: row.created_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}

function producerOf(row: Selectable<GenerationsTable>): Producer | null {
  const { model_fingerprint, numeric_fingerprint, worker_version } = row;
  if (model_fingerprint === null || numeric_fingerprint === null || worker_version === null) return null;
  return { model_fingerprint, numeric_fingerprint, worker_version };
}
