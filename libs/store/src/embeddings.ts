import { type Embedding, MurnauError, type Page } from '@murnau/domain';
import type { Selectable } from 'kysely';
import type { Connection } from './database/connection.js';
import { createOnce, type Once } from './database/idempotency.js';
import { cutPage, type PageQuery, readPageQuery } from './database/pages.js';
import type { EmbeddingsTable } from './database/schema.js';
import { refuseMissingBlobs } from './datasets.js';

/** One that comes from a file; a run's own is made by `runs.finish`. */
interface ImportedEmbedding extends Omit<
  Embedding,
  'id' | 'run_id' | 'published' | 'source' | 'scores' | 'created_at'
> {
  scores?: Record<string, number>;
}

interface EmbeddingQuery extends PageQuery {
  placeholder?: string | undefined;
  model?: string | undefined;
  run_id?: string | undefined;
}

export class Embeddings {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async create(embedding: ImportedEmbedding, options: Once = {}): Promise<Embedding> {
    const {
      placeholder_token,
      initializer_token,
      model,
      num_vectors,
      pooling,
      step,
      owner,
      hash,
      scores = {},
    } = embedding;
    const creation = {
      owner,
      scope: 'embedding',
      key: options.idempotencyKey,
      request: options.request ?? embedding,
    } as const;
    const id = await createOnce(this.#connection, creation, async (trx, newId) => {
      await refuseMissingBlobs(trx, [hash]);
      const row = { placeholder_token, initializer_token, model, num_vectors, pooling, step, owner, hash };
      await trx
        .insertInto('embeddings')
        .values({ id: newId, ...row, run_id: null, source: 'import', scores: JSON.stringify(scores) })
        .execute();
    });
    return this.get(id);
  }

  /** @throws `embedding.not_found` */
  async get(id: string): Promise<Embedding> {
    const [embedding] = await this.getMany([id]);
    if (embedding === undefined)
      throw new MurnauError('embedding.not_found', `There is no embedding ${id}.`, { given: id });
    return embedding;
  }

  /** In the order asked for. @throws `embedding.not_found` never: what is missing is left out */
  getMany(ids: readonly string[]): Promise<Embedding[]> {
    if (ids.length === 0) return Promise.resolve([]);
    return this.#connection.repeatable(async (db) => {
      const rows = await db
        .selectFrom('embeddings')
        .selectAll()
        .where('id', 'in', [...new Set(ids)])
        .execute();
      const found = new Map(rows.map((row) => [row.id, toEmbedding(row)]));
      return ids.flatMap((id) => found.get(id) ?? []);
    });
  }

  /** Newest first. */
  list(query: EmbeddingQuery = {}): Promise<Page<Embedding>> {
    const { before, limit } = readPageQuery(query);
    return this.#connection.repeatable(async (db) => {
      let select = db.selectFrom('embeddings').selectAll().where('seq', '<', before);
      if (query.placeholder !== undefined) select = select.where('placeholder_token', '=', query.placeholder);
      if (query.model !== undefined) select = select.where('model', '=', query.model);
      if (query.run_id !== undefined) select = select.where('run_id', '=', query.run_id);
      return cutPage(
        await select
          .orderBy('seq', 'desc')
          .limit(limit + 1)
          .execute(),
        limit,
        toEmbedding,
      );
    });
  }

  /** The newest of each of these placeholders that the model has one for. */
  newest(model: string, placeholders: readonly string[]): Promise<Embedding[]> {
    if (placeholders.length === 0) return Promise.resolve([]);
    return this.#connection.repeatable(async (db) => {
      const rows = await db
        .selectFrom('embeddings')
        .selectAll()
        .distinctOn('placeholder_token')
        .where('model', '=', model)
        .where('placeholder_token', 'in', [...new Set(placeholders)])
        .orderBy('placeholder_token')
        .orderBy('seq', 'desc')
        .execute();
      return rows.map(toEmbedding);
    });
  }
}

function toEmbedding({ seq: _, created_at, ...row }: Selectable<EmbeddingsTable>): Embedding {
  return { ...row, created_at: created_at.toISOString() };
}
