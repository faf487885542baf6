import type { RemovableKind, Removed } from '@murnau/domain';
import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.js';

/** Something that may go, and whether it is still at work. */
export interface Candidate extends Removed {
  isOpen: boolean;
}

type Trx = Transaction<Database>;

/** Rows with the columns of a `Candidate`; newest first, locked: nothing opens them again meanwhile. */
async function selectSweeps(trx: Trx, which: RawBuilder<unknown>): Promise<Candidate[]> {
  const { rows } = await sql<Candidate>`
    select 'sweep' as kind, id, name,
           phase in ('running', 'paused') or exists (
             select from runs
             where sweep_id = sweeps.id and phase not in ('finished', 'failed', 'cancelled')
           ) as "isOpen"
    from sweeps where ${which} order by seq desc for update`.execute(trx);
  return rows;
}

async function selectRuns(trx: Trx, which: RawBuilder<unknown>): Promise<Candidate[]> {
  const { rows } = await sql<Candidate>`
    select 'run' as kind, id, name, phase not in ('finished', 'failed', 'cancelled') as "isOpen"
    from runs where ${which} order by seq desc for update`.execute(trx);
  return rows;
}

async function selectGenerations(trx: Trx, which: RawBuilder<unknown>): Promise<Candidate[]> {
  const { rows } = await sql<Candidate>`
    select 'generation' as kind, id, request ->> 'task' as name, phase in ('queued', 'running') as "isOpen"
    from generations where ${which} order by seq desc for update`.execute(trx);
  return rows;
}

async function selectPlain(trx: Trx, kind: 'dataset' | 'embedding', id: string): Promise<Candidate[]> {
  const { rows } =
    kind === 'dataset'
      ? await sql<Candidate>`
          select 'dataset' as kind, id, name, false as "isOpen" from datasets where id = ${id} for update`.execute(
          trx,
        )
      : await sql<Candidate>`
          select 'embedding' as kind, id, placeholder_token as name, false as "isOpen"
          from embeddings where id = ${id} for update`.execute(trx);
  return rows;
}

/** The row itself, locked. */
export async function selectSubject(
  trx: Trx,
  kind: RemovableKind,
  id: string,
): Promise<Candidate | undefined> {
  const byId = sql`id = ${id}`;
  switch (kind) {
    case 'sweep':
      return (await selectSweeps(trx, byId))[0];
    case 'run':
      return (await selectRuns(trx, byId))[0];
    case 'generation':
      return (await selectGenerations(trx, byId))[0];
    default:
      return (await selectPlain(trx, kind, id))[0];
  }
}

/**
 * What names a dataset or an embedding and would be left with a name of nothing. A trial is its sweep's. What a run has
 * made (its embedding, the runs forked from it) has copies of all it needs.
 */
export async function selectDependants(trx: Trx, kind: RemovableKind, id: string): Promise<Candidate[]> {
  const inPairs = (key: string) =>
    sql`exists (
      select from jsonb_array_elements(spec::jsonb #> '{parameters,pair,values}') as pair where pair ->> ${key} = ${id}
    )`;
  if (kind === 'dataset') {
    return [
      ...(await selectSweeps(
        trx,
        sql`spec ->> 'dataset' = ${id} or id in (select sweep_id from runs where dataset_id = ${id}) or ${inPairs('dataset')}`,
      )),
      ...(await selectRuns(trx, sql`sweep_id is null and dataset_id = ${id}`)),
    ];
  }
  if (kind === 'embedding') {
    return [
      ...(await selectSweeps(trx, inPairs('initializer_embedding'))),
      ...(await selectRuns(trx, sql`sweep_id is null and spec ->> 'initializer_embedding' = ${id}`)),
      ...(await selectGenerations(trx, sql`request::jsonb -> 'embedding_ids' ? ${id}`)),
    ];
  }
  return [];
}
