import { type Dataset, type DatasetImage, MurnauError, type Page } from '@murnau/domain';
import type { Kysely } from 'kysely';
import type { Connection } from './database/connection.js';
import { createOnce, type Once } from './database/idempotency.js';
import { cutPage, type PageQuery, readPageQuery } from './database/pages.js';
import type { Database } from './database/schema.js';

/** Without a mask or a caption it has none. */
type NewImage = Omit<DatasetImage, 'mask_hash' | 'caption'> & Partial<DatasetImage>;

interface NewDataset {
  name: string;
  owner: string;
  /** Blobs that are stored already. */
  images: readonly NewImage[];
}

export class Datasets {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws `blob.not_found` when a picture is not stored. */
  async create(dataset: NewDataset, options: Once = {}): Promise<Dataset> {
    const { name, owner, images } = dataset;
    const creation = {
      owner,
      scope: 'dataset',
      key: options.idempotencyKey,
      request: options.request ?? dataset,
    } as const;
    const id = await createOnce(this.#connection, creation, async (trx, newId) => {
      await trx.insertInto('datasets').values({ id: newId, name, owner }).execute();
      await refuseMissingBlobs(
        trx,
        images.flatMap(({ hash, mask_hash }) => (mask_hash ? [hash, mask_hash] : [hash])),
      );
      if (images.length === 0) return;
      await trx
        .insertInto('dataset_images')
        .values(
          images.map((image, position) => ({
            dataset_id: newId,
            position,
            hash: image.hash,
            name: image.name,
            width: image.width,
            height: image.height,
            mask_hash: image.mask_hash ?? null,
            caption: image.caption ?? null,
          })),
        )
        .execute();
    });
    return this.get(id);
  }

  /** @throws `dataset.not_found` */
  async get(id: string): Promise<Dataset> {
    const [dataset] = await this.getMany([id]);
    if (dataset === undefined)
      throw new MurnauError('dataset.not_found', `There is no dataset ${id}.`, { given: id });
    return dataset;
  }

  /** Those that exist, in no particular order. */
  getMany(ids: readonly string[]): Promise<Dataset[]> {
    if (ids.length === 0) return Promise.resolve([]);
    return this.#connection.repeatable(async (db) => {
      const rows = await db
        .selectFrom('datasets')
        .selectAll()
        .where('id', 'in', [...new Set(ids)])
        .execute();
      const images = await selectImages(
        db,
        rows.map((row) => row.id),
      );
      return rows.map((row) => toDataset(row, images));
    });
  }

  list(query: PageQuery = {}): Promise<Page<Dataset>> {
    const { before, limit } = readPageQuery(query);
    return this.#connection.repeatable(async (db) => {
      const rows = await db
        .selectFrom('datasets')
        .selectAll()
        .where('seq', '<', before)
        .orderBy('seq', 'desc')
        .limit(limit + 1)
        .execute();
      const images = await selectImages(
        db,
        rows.map((row) => row.id),
      );
      return cutPage(rows, limit, (row) => toDataset(row, images));
    });
  }
}

export async function refuseMissingBlobs(db: Kysely<Database>, hashes: readonly string[]): Promise<void> {
  const wanted = [...new Set(hashes)];
  if (wanted.length === 0) return;
  const rows = await db.selectFrom('blobs').select('hash').where('hash', 'in', wanted).execute();
  const stored = new Set(rows.map((row) => row.hash));
  const missing = wanted.find((hash) => !stored.has(hash));
  if (missing !== undefined)
    throw new MurnauError('blob.not_found', `No file with the hash ${missing} is stored.`, {
      given: missing,
    });
}

async function selectImages(
  db: Kysely<Database>,
  datasetIds: readonly string[],
): Promise<Map<string, DatasetImage[]>> {
  const images = new Map<string, DatasetImage[]>();
  if (datasetIds.length === 0) return images;
  const rows = await db
    .selectFrom('dataset_images')
    .selectAll()
    .where('dataset_id', 'in', datasetIds)
    .orderBy('dataset_id')
    .orderBy('position')
    .execute();
  for (const { dataset_id, position: _, ...image } of rows) {
    images.set(dataset_id, [...(images.get(dataset_id) ?? []), image]);
  }
  return images;
}

function toDataset(
  row: { id: string; name: string; owner: string; created_at: Date },
  images: ReadonlyMap<string, DatasetImage[]>,
): Dataset {
  const { id, name, owner, created_at } = row;
  return { id, name, owner, images: images.get(id) ?? [], created_at: created_at.toISOString() };
}

/** @throws `dataset.not_found` */
export async function refuseUnknownDatasets(db: Kysely<Database>, ids: readonly string[]): Promise<void> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return;
  const rows = await db.selectFrom('datasets').select('id').where('id', 'in', wanted).execute();
  const known = new Set(rows.map((row) => row.id));
  const unknown = wanted.find((id) => !known.has(id));
  if (unknown !== undefined)
    throw new MurnauError('dataset.not_found', `There is no dataset ${unknown}.`, { given: unknown });
}
