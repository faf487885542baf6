import {
  type EndedPhase,
  type Failure,
  type Generation,
  generationPhasesWithWorkflow,
  type GenerationRequest,
  generationWorkflowId,
  inputsOf,
  MurnauError,
  type Page,
  type Producer,
} from '@murnau/domain';
import { type Kysely, type Selectable, sql, type Updateable } from 'kysely';
import type { Connection } from './database/connection.js';
import type { OpenQuery, OpenWorkflow } from './database/open-workflows.js';
import { createOnce } from './database/idempotency.js';
import { cutPage, type PageQuery, readPageQuery } from './database/pages.js';
import type { Database, GenerationsTable } from './database/schema.js';
import type { EventHub } from './events/event-hub.js';
import { insertEvents } from './events/event-records.js';

export interface GeneratedImage {
  position: number;
  seed: number;
  hash: string;
}

/** Pictures asked for by hand. Their pictures depend on the request only, so a repetition overwrites like with like. */
export class Generations {
  readonly #connection: Connection;
  readonly #hub: EventHub;

  constructor(connection: Connection, hub: EventHub) {
    this.#connection = connection;
    this.#hub = hub;
  }

  /** @throws `blob.not_found` when a picture of the request is not stored. */
  async create(
    { owner, request }: { owner: string; request: GenerationRequest },
    options: { idempotencyKey?: string | undefined } = {},
  ): Promise<Generation> {
    const creation = { owner, scope: 'generation', key: options.idempotencyKey, request } as const;
    const id = await createOnce(this.#connection, creation, async (trx, newId) => {
      const workflow_id = generationWorkflowId(newId);
      await trx
        .insertInto('generations')
        .values({
          id: newId,
          owner,
          request: JSON.stringify(request),
          model: request.model,
          workflow_id,
          failure: null,
        })
        .execute();
      const inputs = inputsOf(request).map((input) => ({ generation_id: newId, ...input }));
      if (inputs.length > 0) await trx.insertInto('generation_inputs').values(inputs).execute();
      await insertEvents(trx, [{ kind: 'created', generation_id: newId }]);
    });
    this.#hub.announce();
    return this.get(id);
  }

  /** @throws `generation.not_found`, as all that follows */
  get(id: string): Promise<Generation> {
    return this.#connection.repeatable(async (db) => {
      return toGeneration(await selectGeneration(db, id), await selectImages(db, [id]));
    });
  }

  /** Newest first. */
  list(query: PageQuery & { owner?: string | undefined } = {}): Promise<Page<Generation>> {
    const { before, limit } = readPageQuery(query);
    return this.#connection.repeatable(async (db) => {
      let select = db.selectFrom('generations').selectAll().where('seq', '<', before);
      if (query.owner !== undefined) select = select.where('owner', '=', query.owner);
      const rows = await select
        .orderBy('seq', 'desc')
        .limit(limit + 1)
        .execute();
      const images = await selectImages(
        db,
        rows.map((row) => row.id),
      );
      return cutPage(rows, limit, (row) => toGeneration(row, images));
    });
  }

  /**
   * @param progress 0..1
   * @param doing what the worker is at, for a person
   */
  async setProgress(id: string, progress: number, doing?: string): Promise<void> {
    const data = { progress, ...(doing !== undefined && { doing }) };
    await this.#change(id, { phase: 'running', progress }, { kind: 'progress', data });
  }

  /** What draws the pictures from here on. */
  async recordProducer(id: string, producer: Producer): Promise<void> {
    await this.#change(id, { ...producer }, { kind: 'drawing', data: { ...producer } });
  }

  /** Each sentence once, however often it is said. */
  async addNotice(id: string, message: string): Promise<void> {
    await this.#connection.repeatableTransaction(async (trx) => {
      const changed = await trx
        .updateTable('generations')
        .set({ notices: sql<string>`notices || to_jsonb(${message}::text)` })
        .where('id', '=', id)
        .where(sql<boolean>`not notices @> to_jsonb(${message}::text)`)
        .returning('id')
        .executeTakeFirst();
      if (changed !== undefined) {
        await insertEvents(trx, [{ kind: 'notice', generation_id: id, data: { message } }]);
      }
    });
    this.#hub.announce();
  }

  /** The newest preview takes the place of the one before, whose blob may go. */
  async setPreview(id: string, preview: GeneratedImage): Promise<void> {
    await this.#change(id, { preview_hash: preview.hash }, { kind: 'preview', data: { ...preview } });
  }

  /** Changes a generation that is still open, and says so. */
  async #change(
    id: string,
    values: Updateable<GenerationsTable>,
    event: { kind: string; data: Record<string, unknown> },
  ): Promise<void> {
    await this.#connection.repeatableTransaction(async (trx) => {
      const changed = await trx
        .updateTable('generations')
        .set(values)
        .where('id', '=', id)
        .where('phase', 'in', generationPhasesWithWorkflow)
        .returning('id')
        .executeTakeFirst();
      if (changed !== undefined) await insertEvents(trx, [{ ...event, generation_id: id }]);
    });
    this.#hub.announce();
  }

  async recordImage(id: string, image: GeneratedImage): Promise<void> {
    const { position, seed, hash } = image;
    await this.#connection.repeatableTransaction(async (trx) => {
      await trx
        .insertInto('generation_images')
        .values({ generation_id: id, position, seed, hash })
        .onConflict((conflict) => conflict.columns(['generation_id', 'position']).doUpdateSet({ seed, hash }))
        .execute();
      await insertEvents(trx, [{ kind: 'image', generation_id: id, data: { ...image } }]);
    });
    this.#hub.announce();
  }

  /** An ended generation stays as it ended. */
  async end(id: string, end: GenerationEnd): Promise<Generation> {
    await this.#end(id, end);
    return this.get(id);
  }

  /** @param chain absent: whichever its workflow has */
  async #end(id: string, { phase, failure }: GenerationEnd, chain?: number): Promise<void> {
    await this.#connection.repeatableTransaction(async (trx) => {
      let update = trx
        .updateTable('generations')
        .set({
          phase,
          failure: failure ? JSON.stringify(failure) : null,
          finished_at: sql<Date>`now()`,
          ...(phase === 'finished' && { progress: 1, preview_hash: null }),
        })
        .where('id', '=', id)
        .where('phase', 'in', generationPhasesWithWorkflow);
      if (chain !== undefined) {
        update = update.where('workflow_started', '=', true).where('workflow_chain', '=', chain);
      }
      const changed = await update.returning('id').executeTakeFirst();
      if (changed === undefined) return;
      await insertEvents(trx, [
        { kind: 'phase', generation_id: id, data: { phase, ...(failure ? { failure } : {}) } },
      ]);
    });
    this.#hub.announce();
  }

  /** Stored generations whose workflow was not started. */
  unstarted({ olderThanMs = 2_000, limit = 100 }: { olderThanMs?: number; limit?: number } = {}): Promise<
    Generation[]
  > {
    return this.#connection.repeatable(async (db) => {
      const rows = await db
        .selectFrom('generations')
        .selectAll()
        .where('workflow_started', '=', false)
        .where('phase', 'in', generationPhasesWithWorkflow)
        .where(sql<boolean>`created_at <= now() - ${olderThanMs} * interval '1 millisecond'`)
        .orderBy('created_at')
        .limit(limit)
        .execute();
      return rows.map((row) => toGeneration(row, new Map()));
    });
  }

  /** Chain with which its workflow was, or is to be, started last. */
  async workflowChain(id: string): Promise<number> {
    return (await this.#connection.repeatable((db) => selectGeneration(db, id))).workflow_chain;
  }

  /** The workflow that was started with this chain is open; of an earlier one it changes nothing. */
  async markStarted(id: string, chain = 0): Promise<void> {
    await this.#connection.repeatable((db) =>
      db
        .updateTable('generations')
        .set({ workflow_started: true })
        .where('id', '=', id)
        .where('workflow_chain', '<=', chain)
        .execute(),
    );
  }

  /** Generations whose workflow should be open, after `afterId`, by id. */
  startedAndOpen({ afterId = '', limit = 500 }: OpenQuery = {}): Promise<OpenWorkflow[]> {
    return this.#connection.repeatable((db) =>
      db
        .selectFrom('generations')
        .select(['id', 'workflow_id', 'workflow_chain'])
        .where('id', '>', afterId)
        .where('workflow_started', '=', true)
        .where('phase', 'in', generationPhasesWithWorkflow)
        .orderBy('id')
        .limit(limit)
        .execute(),
    );
  }

  /** Temporal does not know the workflow of this chain: another is to be started. */
  async markLost(id: string, chain: number): Promise<void> {
    await this.#connection.repeatable((db) =>
      db
        .updateTable('generations')
        .set({ workflow_started: false, workflow_chain: chain + 1 })
        .where('id', '=', id)
        .where('workflow_chain', '=', chain)
        .where('phase', 'in', generationPhasesWithWorkflow)
        .execute(),
    );
  }

  /** Its workflow of this chain has closed without storing the end. */
  async endAbandoned(id: string, chain: number, end: GenerationEnd): Promise<void> {
    await this.#end(id, end, chain);
  }
}

export interface GenerationEnd {
  phase: EndedPhase;
  failure?: Failure | null;
}

async function selectGeneration(db: Kysely<Database>, id: string): Promise<Selectable<GenerationsTable>> {
  const row = await db.selectFrom('generations').selectAll().where('id', '=', id).executeTakeFirst();
  if (row !== undefined) return row;
  throw new MurnauError('generation.not_found', `There is no generation ${id}.`, { given: id });
}

async function selectImages(
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

function toGeneration(
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
