import { MurnauError, type Run, runWorkflowId, type TrainingSpec } from '@murnau/domain';
import { sql, type Transaction } from 'kysely';
import type { StoreContext } from '../context.js';
import { createOnce, type Once } from '../database/idempotency.js';
import type { Database } from '../database/schema.js';
import { insertEvents } from '../events/event-records.js';
import { getRun } from './reads.js';
import { DEFAULT_METRIC, lockRun, type RunRow, toInsert } from './records.js';

interface Fork {
  owner: string;
  /** Default `<name of the run>-from-<step>`. */
  name?: string | undefined;
  /** A step whose checkpoint is stored; absent: the newest. */
  from_step?: number | undefined;
  /** What of the spec is to differ. What decides the arithmetic of the steps that are done cannot. */
  changes?: Partial<TrainingSpec>;
}

/** Keys of a spec that a run may change on its way. */
const forkableKeys = [
  'max_steps',
  'checkpoint',
  'eval',
  'stop_when',
  'publish',
  'samples',
  'max_restarts',
  'segment_max_s',
] as const satisfies readonly (keyof TrainingSpec)[];

/**
 * A new run that begins with another's state: its checkpoint and all that this certifies are copied (rows; the bytes
 * are shared). It is stored, not started.
 * @throws `run.not_found`, `edit.not_possible`, `spec.invalid`
 */
export async function forkRun(store: StoreContext, id: string, fork: Fork, options: Once = {}): Promise<Run> {
  const { owner } = fork;
  const creation = {
    owner,
    scope: 'run',
    key: options.idempotencyKey,
    request: options.request ?? { id, fork },
  } as const;
  const forked = await createOnce(store.connection, creation, async (trx, newId) => {
    // Locked: a live run prunes its checkpoints.
    const from = await lockRun(trx, id);
    const checkpoint = await selectCheckpoint(trx, from, fork.from_step);
    const { step } = checkpoint;
    const spec = changedSpec(from, fork.changes ?? {}, step);
    if (spec.stop_when.plateau) await refuseSettled(trx, id, step);
    const name = fork.name ?? `${from.name}-from-${step}`;
    await trx
      .insertInto('runs')
      .values({
        ...toInsert({
          id: newId,
          name,
          owner,
          dataset_id: from.dataset_id,
          spec,
          workflow_id: runWorkflowId(name, newId),
          metric: DEFAULT_METRIC,
          priority: from.priority,
        }),
        step,
        certified_step: step,
        metrics: JSON.stringify(await newestMetrics(trx, id, step)),
        fingerprint: from.fingerprint,
        forked_from: JSON.stringify({ run_id: id, step }),
      })
      .execute();
    await copyRows(trx, id, newId, step);
    await insertEvents(trx, [
      { kind: 'created', run_id: newId, data: { name, forked_from: id, from_step: step } },
    ]);
  });
  store.hub.announce();
  return getRun(store, forked);
}

/** Why other steps are gone. */
const kept: Record<TrainingSpec['checkpoint']['keep'], string> = {
  'best+latest': 'the best, the newest and those at rungs are kept; checkpoint.keep=all keeps every one',
  all: 'all that were stored are kept',
};

async function selectCheckpoint(trx: Transaction<Database>, run: RunRow, wanted: number | undefined) {
  const stored = await trx
    .selectFrom('checkpoints')
    .select('step')
    .where('run_id', '=', run.id)
    .orderBy('step')
    .execute();
  const found = wanted === undefined ? stored.at(-1) : stored.find(({ step }) => step === wanted);
  if (found !== undefined) return found;
  const steps = stored.map(({ step }) => step).join(', ');
  const isPast = wanted !== undefined && wanted <= run.certified_step;
  const what =
    wanted === undefined
      ? 'no checkpoint yet'
      : isPast
        ? `no checkpoint of step ${wanted} any more`
        : `not come to step ${wanted}`;
  throw new MurnauError('edit.not_possible', `Run ${run.id} has ${what}.`, {
    field: 'from_step',
    given: String(wanted ?? 'the newest'),
    allowed: steps === '' ? 'none is stored' : `one of ${steps} (${kept[run.spec.checkpoint.keep]})`,
  });
}

/** The fork would end where it begins. */
async function refuseSettled(trx: Transaction<Database>, id: string, step: number): Promise<void> {
  const settled = await trx
    .selectFrom('metrics')
    .select('step')
    .where('run_id', '=', id)
    .where('name', '=', 'plateau')
    .where('step', '=', step)
    .executeTakeFirst();
  if (settled === undefined) return;
  throw new MurnauError('edit.not_possible', `The loss of run ${id} had come to rest at step ${step}.`, {
    field: 'stop_when.plateau',
    given: 'true',
    allowed: 'false, or an earlier from_step',
  });
}

function changedSpec({ spec }: RunRow, changes: Partial<TrainingSpec>, step: number): TrainingSpec {
  const fixed = Object.keys(changes).find((key) => !(forkableKeys as readonly string[]).includes(key));
  if (fixed !== undefined) {
    throw new MurnauError('spec.invalid', `spec: ${fixed} decides the steps that are done: a fork keeps it`, {
      field: fixed,
      given: String(changes[fixed as keyof TrainingSpec]),
      allowed: forkableKeys.join(', '),
    });
  }
  const changed = { ...spec, ...changes, schedule_steps: spec.schedule_steps ?? spec.max_steps };
  if (changed.max_steps > step) return changed;
  throw new MurnauError('spec.invalid', `spec: max_steps must be above step ${step}, where the fork begins`, {
    field: 'max_steps',
    given: String(changed.max_steps),
    allowed: `${step + 1} or more`,
  });
}

async function newestMetrics(
  trx: Transaction<Database>,
  id: string,
  step: number,
): Promise<Record<string, number>> {
  const { rows } = await sql<{ name: string; value: number }>`
    select distinct on (name) name, value from metrics
    where run_id = ${id} and step <= ${step} order by name, step desc`.execute(trx);
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

async function copyRows(trx: Transaction<Database>, from: string, to: string, step: number): Promise<void> {
  await sql`
    insert into checkpoints (run_id, step, epoch, state_hash, embedding_hash)
    select ${to}, step, 0, state_hash, embedding_hash from checkpoints
    where run_id = ${from} and step = ${step}`.execute(trx);
  await sql`
    insert into metrics (run_id, step, name, value)
    select ${to}, step, name, value from metrics where run_id = ${from} and step <= ${step}`.execute(trx);
  // Pictures of the end belong to the run that ended.
  await sql`
    insert into samples (run_id, step, kind, position, prompt, seed, hash, image_alignment)
    select ${to}, step, kind, position, prompt, seed, hash, image_alignment from samples
    where run_id = ${from} and step <= ${step} and kind = 'progress'`.execute(trx);
}
