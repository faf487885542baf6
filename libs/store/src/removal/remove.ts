import { mostNamed, MurnauError, type RemovableKind, type Removal, type Removed } from '@murnau/domain';
import { sql, type Transaction } from 'kysely';
import { type StoreContext, write } from '../context.js';
import type { Database } from '../database/schema.js';
import { type Candidate, selectDependants, selectSubject } from './dependants.js';

interface Subject {
  kind: RemovableKind;
  id: string;
}

interface RemoveOptions {
  /** What refers to it goes too; else it is refused where something does. Default false. */
  withDependants?: boolean;
  /** Only says what would go, or why not. Default false. */
  isDryRun?: boolean;
}

export type Remove = (subject: Subject, options?: RemoveOptions) => Promise<Removal>;

/** Of ten thousand trials: longer than a statement may take otherwise. */
const longestStatement = '10min';
/** Most that a refusal names. */
const mostRefused = 5;

const tables = {
  dataset: 'datasets',
  run: 'runs',
  sweep: 'sweeps',
  embedding: 'embeddings',
  generation: 'generations',
} as const satisfies Record<RemovableKind, keyof Database>;

/**
 * Removes something with all that is part of it (a sweep's trials, a run's metrics), in one transaction. Files that
 * nothing refers to any more are collected later. Nothing that is at work is removed, and nothing that others name.
 * @throws `<kind>.not_found`, `removal.in_use`, `removal.still_open`
 */
export async function removeResource(
  store: StoreContext,
  { kind, id }: Subject,
  { withDependants = false, isDryRun = false }: RemoveOptions = {},
): Promise<Removal> {
  return write(store, async (trx) => {
    await sql`select set_config('statement_timeout', ${longestStatement}, true)`.execute(trx);
    const subject = await selectSubject(trx, kind, id);
    if (subject === undefined) {
      throw new MurnauError(`${kind}.not_found`, `There is no ${kind} ${id}.`, { given: id });
    }
    if (kind === 'run') await refuseTrial(trx, subject);
    const dependants = await selectDependants(trx, kind, id);
    if (dependants.length > 0 && !withDependants) throw inUse(subject, dependants);
    const all = [...dependants, subject];
    refuseOpen(all);
    const removal = {
      ...named(subject),
      trials: await countTrials(trx, all),
      dependants: dependants.slice(0, mostNamed).map(named),
      dependant_count: dependants.length,
    };
    if (!isDryRun) await removeRows(trx, all);
    return removal;
  });
}

const named = ({ kind, id, name }: Candidate): Removed => ({ kind, id, name });

function listed(candidates: readonly Candidate[]): string {
  const names = candidates.slice(0, mostRefused).map(({ kind, id, name }) => `${kind} ${id} (${name})`);
  const more = candidates.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function inUse({ kind, id, name }: Candidate, dependants: readonly Candidate[]): MurnauError {
  return new MurnauError('removal.in_use', `The ${kind} ${id} (${name}) is used by ${listed(dependants)}.`, {
    field: 'id',
    given: id,
  });
}

/** Its number, rung and place among the others are its sweep's. */
async function refuseTrial(trx: Transaction<Database>, { id }: Candidate): Promise<void> {
  const { trial, sweep_id } = await trx
    .selectFrom('runs')
    .select(['trial', 'sweep_id'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  if (sweep_id === null) return;
  throw new MurnauError(
    'removal.in_use',
    `The run ${id} is trial ${trial} of the sweep ${sweep_id} and goes with it: murnau sweep rm ${sweep_id}`,
    { field: 'id', given: id, allowed: 'a run that is no trial' },
  );
}

function refuseOpen(all: readonly Candidate[]): void {
  const open = all.filter(({ isOpen }) => isOpen);
  if (open.length === 0) return;
  throw new MurnauError('removal.still_open', `Still at work: ${listed(open)}.`, {
    field: 'id',
    given: open[0]?.id,
  });
}

const idsOf = (all: readonly Candidate[], kind: RemovableKind): string[] =>
  all.filter((one) => one.kind === kind).map(({ id }) => id);

async function countTrials(trx: Transaction<Database>, all: readonly Candidate[]): Promise<number> {
  const sweeps = idsOf(all, 'sweep');
  if (sweeps.length === 0) return 0;
  const { rows } = await sql<{ trials: number }>`
    select count(*) as trials from runs where sweep_id = any(${sweeps}::text[])`.execute(trx);
  return rows[0]?.trials ?? 0;
}

/** Dependants come first in the list; parts go with their wholes. */
async function removeRows(trx: Transaction<Database>, all: readonly Candidate[]): Promise<void> {
  for (const kind of ['generation', 'run', 'sweep', 'embedding', 'dataset'] as const) {
    const ids = idsOf(all, kind);
    if (ids.length === 0) continue;
    // A run whose published embedding goes has none from then on.
    if (kind === 'embedding') {
      await sql`update runs set embedding_id = null where embedding_id = any(${ids}::text[])`.execute(trx);
    }
    await sql`delete from ${sql.table(tables[kind])} where id = any(${ids}::text[])`.execute(trx);
    // The same request makes a new one from now on.
    await sql`delete from idempotency_keys
      where resource_id = any(${ids}::text[]) and scope in (${kind}, 'edit')`.execute(trx);
  }
}
