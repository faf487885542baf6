import { generationPhasesWithWorkflow, type Producer } from '@murnau/domain';
import { sql, type Updateable } from 'kysely';
import { type StoreContext, write } from '../context.js';
import type { GenerationsTable } from '../database/generation-tables.js';
import { insertEvents } from '../events/event-records.js';
import type { GeneratedImage } from './records.js';

/** What a worker draws. Pictures depend on the request only, so a repetition overwrites like with like. */

/**
 * @param progress 0..1
 * @param doing what the worker is at, for a person
 */
export async function setProgress(
  store: StoreContext,
  id: string,
  progress: number,
  doing?: string,
): Promise<void> {
  const data = { progress, ...(doing !== undefined && { doing }) };
  await change(store, id, { phase: 'running', progress }, { kind: 'progress', data });
}

/** What draws the pictures from here on. */
export async function recordProducer(store: StoreContext, id: string, producer: Producer): Promise<void> {
  await change(store, id, { ...producer }, { kind: 'drawing', data: { ...producer } });
}

/** The newest preview takes the place of the one before, whose blob may go. */
export async function setPreview(store: StoreContext, id: string, preview: GeneratedImage): Promise<void> {
  await change(store, id, { preview_hash: preview.hash }, { kind: 'preview', data: { ...preview } });
}

/** Changes a generation that is still open, and stores the event of it. */
async function change(
  store: StoreContext,
  id: string,
  values: Updateable<GenerationsTable>,
  event: { kind: string; data: Record<string, unknown> },
): Promise<void> {
  await write(store, async (trx) => {
    const changed = await trx
      .updateTable('generations')
      .set(values)
      .where('id', '=', id)
      .where('phase', 'in', generationPhasesWithWorkflow)
      .returning('id')
      .executeTakeFirst();
    if (changed !== undefined) await insertEvents(trx, [{ ...event, generation_id: id }]);
  });
}

/** Each sentence once, however often it is said. */
export async function addNotice(store: StoreContext, id: string, message: string): Promise<void> {
  await write(store, async (trx) => {
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
}

/** A picture that was not there yet ends a row of deaths. */
export async function recordImage(store: StoreContext, id: string, image: GeneratedImage): Promise<void> {
  const { position, seed, hash } = image;
  await write(store, async (trx) => {
    const { is_new } = await trx
      .insertInto('generation_images')
      .values({ generation_id: id, position, seed, hash })
      .onConflict((conflict) => conflict.columns(['generation_id', 'position']).doUpdateSet({ seed, hash }))
      .returning(sql<boolean>`xmax = 0`.as('is_new'))
      .executeTakeFirstOrThrow();
    if (is_new) await trx.updateTable('generations').set({ worker_deaths: 0 }).where('id', '=', id).execute();
    await insertEvents(trx, [{ kind: 'image', generation_id: id, data: { ...image } }]);
  });
}

/** The worker's process ended under it. @returns how often in a row */
export async function countWorkerDeath(store: StoreContext, id: string): Promise<number> {
  return write(store, async (trx) => {
    const { worker_deaths } = await trx
      .updateTable('generations')
      .set((eb) => ({ worker_deaths: eb('worker_deaths', '+', 1) }))
      .where('id', '=', id)
      .returning('worker_deaths')
      .executeTakeFirstOrThrow();
    await insertEvents(trx, [{ kind: 'restarted', generation_id: id, data: { cause: 'worker_died' } }]);
    return worker_deaths;
  });
}
