import { isEnded, MurnauError, type Run, type TrainingSpec } from '@murnau/domain';
import type { Insertable, Kysely, Selectable, Transaction } from 'kysely';
import type { RunsTable } from '../database/run-tables.js';
import type { Database } from '../database/schema.js';

export type RunRow = Selectable<RunsTable>;

/** Metrics that a run's best checkpoint follows when no sweep says otherwise. */
export const DEFAULT_METRIC = { name: 'eval_gain', goal: 'maximize' } as const;

interface RunInsert {
  id: string;
  name: string;
  owner: string;
  dataset_id: string;
  spec: TrainingSpec;
  workflow_id: string;
  metric: { name: string; goal: 'maximize' | 'minimize' };
  sweep_id?: string;
  trial?: number;
  parameters?: Readonly<Record<string, string | number | boolean>>;
  /** Default 3. */
  priority?: number;
  /** Absent: its last step. */
  target_step?: number | null;
}

export function toInsert(run: RunInsert): Insertable<RunsTable> {
  const { id, name, owner, dataset_id, spec, workflow_id, metric } = run;
  return {
    id,
    name,
    owner,
    dataset_id,
    workflow_id,
    spec: JSON.stringify(spec),
    model: spec.model,
    placeholder_token: spec.placeholder_token,
    sweep_id: run.sweep_id ?? null,
    trial: run.trial ?? null,
    parameters: JSON.stringify(run.parameters ?? {}),
    metric_name: metric.name,
    metric_goal: metric.goal,
    priority: run.priority ?? 3,
    target_step: run.target_step ?? null,
  };
}

export function toRun(row: RunRow): Run {
  const { best_step, best_value, created_at, started_at, finished_at } = row;
  return {
    id: row.id,
    name: row.name,
    owner: row.owner,
    phase: row.phase,
    spec: row.spec,
    dataset_id: row.dataset_id,
    sweep_id: row.sweep_id,
    trial: row.trial,
    parameters: row.parameters,
    workflow_id: row.workflow_id,
    step: row.step,
    certified_step: Math.max(0, row.certified_step),
    metrics: row.metrics,
    best:
      best_step === null || best_value === null
        ? null
        : { step: best_step, name: row.metric_name, value: best_value },
    judgement: row.judgement,
    rung: row.rung,
    target_step: Math.min(row.target_step ?? row.spec.max_steps, row.spec.max_steps),
    early_stop: row.early_stop,
    wish: row.wish,
    priority: row.priority,
    device_s: row.device_s,
    forked_from: row.forked_from,
    restarts: row.restarts,
    worker_deaths: row.worker_deaths,
    embedding_id: row.embedding_id,
    failure: row.failure,
    created_at: created_at.toISOString(),
    started_at: started_at?.toISOString() ?? null,
    finished_at: finished_at?.toISOString() ?? null,
  };
}

export async function selectRun(db: Kysely<Database>, id: string): Promise<RunRow> {
  const row = await db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst();
  return row ?? refuseUnknown(id);
}

/** Every write of a run begins here: whoever holds the row's lock is alone with the run until its transaction ends. */
export async function lockRun(trx: Transaction<Database>, id: string): Promise<RunRow> {
  const row = await trx
    .selectFrom('runs')
    .selectAll()
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst();
  return row ?? refuseUnknown(id);
}

/** `lockRun` for a writer that holds a claim. */
export async function lockClaimedRun(trx: Transaction<Database>, id: string, epoch: number): Promise<RunRow> {
  const row = await lockRun(trx, id);
  refuseFenced(row, epoch);
  return row;
}

/** A writer is refused once a newer claim, a pause or the run's end took the next epoch. */
export function refuseFenced(row: RunRow, epoch: number): void {
  if (row.epoch === epoch) return;
  throw new MurnauError(
    'claim.fenced',
    `Run ${row.id} was taken over: epoch ${row.epoch} is the newest, this writer holds ${epoch}.`,
    { given: String(epoch), allowed: String(row.epoch) },
  );
}

export function refuseEnded(row: RunRow): void {
  if (!isEnded(row.phase)) return;
  throw new MurnauError('run.already_ended', `Run ${row.id} is ${row.phase}.`, { given: row.phase });
}

function refuseUnknown(id: string): never {
  throw new MurnauError('run.not_found', `There is no run ${id}.`, { given: id });
}
