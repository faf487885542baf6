import type { Generation, Page } from '@murnau/domain';
import { read, type StoreContext } from '../context.js';
import { cutPage, type PageQuery, readPageQuery } from '../database/pages.js';
import { selectGeneration, selectImages, toGeneration } from './records.js';

/** @throws `generation.not_found`, as all that follows */
export function getGeneration(store: StoreContext, id: string): Promise<Generation> {
  return read(store, async (db) =>
    toGeneration(await selectGeneration(db, id), await selectImages(db, [id])),
  );
}

/** Times in a row that a worker's process ended under it. */
export async function generationWorkerDeaths(store: StoreContext, id: string): Promise<number> {
  return (await read(store, (db) => selectGeneration(db, id))).worker_deaths;
}

/** Newest first. */
export function listGenerations(
  store: StoreContext,
  query: PageQuery & { owner?: string | undefined } = {},
): Promise<Page<Generation>> {
  const { before, limit } = readPageQuery(query);
  return read(store, async (db) => {
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
