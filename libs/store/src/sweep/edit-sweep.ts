import { type Asked, isEnded, isOpen, MurnauError, type SweepEdit } from '@murnau/domain';
import type { Transaction } from 'kysely';
import { type StoreContext, write } from '../context.js';
import type { Database } from '../database/schema.js';
import { insertEvents } from '../events/event-records.js';
import { editLocked } from '../training-run/edit-run.js';
import { withFreshEmbeddingIds } from '../training-run/end-run.js';
import { lockRun, type RunRow } from '../training-run/records.js';
import { reopenRuns } from '../training-run/starts.js';
import { cancelUnstarted } from './cancel-unstarted.js';
import { withFreshTrialIds } from './create-sweep.js';
import { dropTrials } from './drop-trials.js';
import { type Extension, listedTrials, moreSteps, moreTrials, onePairMore } from './extend-sweep.js';
import { pickWinners } from './gates.js';
import { insertTrials } from './insert-trials.js';
import { noteSweepEdit } from './note-sweep-edit.js';
import { lockSweep, notPossible, type SweepRow } from './records.js';

interface SweepEditRequest extends Asked {
  edit: SweepEdit;
  /** The same edit under the same id is applied once. */
  updateId: string;
}

type Apply<Kind extends SweepEdit['kind']> = (
  trx: Transaction<Database>,
  sweep: SweepRow,
  edit: Extract<SweepEdit, { kind: Kind }>,
  asked: Asked,
) => Promise<Applied | void>;

/** For the record. */
interface Applied {
  trial?: number;
  data?: Record<string, unknown>;
}

/**
 * Changes a sweep as a person asked, and stores who and why, in one transaction. Its workflow does what follows.
 * An edit that gives it something to do opens an ended sweep again; the caller then starts its workflow.
 * @throws `sweep.not_found`, `sweep.already_ended`, `edit.not_possible`, `spec.invalid`
 */
export async function editSweep(
  store: StoreContext,
  id: string,
  { edit, by, why, updateId }: SweepEditRequest,
): Promise<void> {
  await withFreshTrialIds(() =>
    withFreshEmbeddingIds(() =>
      write(store, async (trx) => {
        const sweep = await lockSweep(trx, id);
        if (await isApplied(trx, id, updateId)) return;
        refuseEnded(sweep, edit);
        const apply = edits[edit.kind] as Apply<SweepEdit['kind']>;
        const { trial = null, data = {} } = (await apply(trx, sweep, edit, { by, why })) ?? {};
        const { kind, ...given } = edit;
        const about = { trial, data: { ...given, ...data }, update_id: updateId };
        await noteSweepEdit(trx, id, { kind, by, why, ...about });
      }),
    ),
  );
}

const edits: { [Kind in SweepEdit['kind']]: Apply<Kind> } = {
  pause: async (trx, sweep) => {
    if (sweep.phase === 'paused') throw notPossible(sweep, 'is paused already');
    await update(trx, sweep, { phase: 'paused' });
  },
  resume: async (trx, sweep) => {
    if (sweep.phase !== 'paused') throw notPossible(sweep, 'is not paused');
    await update(trx, sweep, { phase: 'running' });
  },
  stop: async (trx, sweep, _, { by }) => {
    if (sweep.stop_reason !== null) throw notPossible(sweep, `is stopping already: ${sweep.stop_reason}`);
    await update(trx, sweep, { stop_reason: `stopped by ${by}` });
    return { data: { not_started: await cancelUnstarted(trx, sweep.id, by) } };
  },
  set_concurrency: async (trx, sweep, { max_concurrent_trials }) => {
    await update(trx, sweep, { max_concurrent_trials });
    return { data: { before: sweep.max_concurrent_trials } };
  },
  drop_trial: async (trx, sweep, { trial }, asked) => {
    const run = await lockTrial(trx, sweep, trial);
    if (isEnded(run.phase)) throw notPossible(sweep, `has no open trial ${trial}: it is ${run.phase}`);
    await editLocked(trx, run, { kind: 'drop', ...asked });
    return { trial };
  },
  drop_trials: async (trx, sweep, { trials }, { by }) => ({
    data: { ...listedTrials(await dropTrials(trx, sweep, trials, by)) },
  }),
  extend: async (trx, sweep, { trials, steps = 0 }) => {
    refuseStopping(sweep);
    if (trials !== undefined) return extendBy(trx, sweep, await moreTrials(trx, sweep, trials));
    const data = await moreSteps(trx, sweep, steps);
    await reopenSweep(trx, sweep);
    return { data: { ...data } };
  },
  add_pair: async (trx, sweep, { pair }) => {
    refuseStopping(sweep);
    return extendBy(trx, sweep, await onePairMore(trx, sweep, pair));
  },
  pick_winners: (trx, sweep, { trials }, asked) => pickWinners(trx, sweep, { trials, ...asked }),
  retry_failed: async (trx, sweep) => {
    const failed = await trx
      .selectFrom('runs')
      .select(['id', 'trial'])
      .where('sweep_id', '=', sweep.id)
      .where('phase', '=', 'failed')
      .orderBy('trial')
      .forNoKeyUpdate()
      .execute();
    if (failed.length === 0) throw notPossible(sweep, 'has no failed trial');
    await reopenRuns(
      trx,
      failed.map(({ id }) => ({ id })),
    );
    await reopenSweep(trx, sweep);
    return { data: { ...listedTrials(failed) } };
  },
};

/** Edits that give an ended sweep something to do. A cancelled one stays as it is. */
const reopening: ReadonlySet<SweepEdit['kind']> = new Set(['extend', 'add_pair', 'retry_failed']);

function refuseEnded(sweep: SweepRow, { kind }: SweepEdit): void {
  if (isOpen(sweep.phase)) return;
  if (reopening.has(kind) && sweep.phase !== 'cancelled') return;
  throw new MurnauError('sweep.already_ended', `Sweep ${sweep.id} is ${sweep.phase}.`, {
    given: sweep.phase,
  });
}

/** A live one that is stopping starts nothing; an ended one that was stopped may go on. */
function refuseStopping(sweep: SweepRow): void {
  if (isOpen(sweep.phase) && sweep.stop_reason !== null)
    throw notPossible(sweep, `is stopping: ${sweep.stop_reason}`);
}

async function extendBy(
  trx: Transaction<Database>,
  sweep: SweepRow,
  { spec, trials }: Extension,
): Promise<Applied> {
  await trx
    .updateTable('sweeps')
    .set({ spec: JSON.stringify(spec) })
    .where('id', '=', sweep.id)
    .execute();
  await insertTrials(trx, { ...sweep, spec }, trials);
  await reopenSweep(trx, sweep);
  const { trials: added, trial_count } = listedTrials(trials);
  return { data: { added, trial_count } };
}

async function isApplied(trx: Transaction<Database>, id: string, updateId: string): Promise<boolean> {
  const found = await trx
    .selectFrom('sweep_decisions')
    .select('seq')
    .where('sweep_id', '=', id)
    .where('update_id', '=', updateId)
    .executeTakeFirst();
  return found !== undefined;
}

async function update(
  trx: Transaction<Database>,
  { id }: SweepRow,
  changes: Partial<Pick<SweepRow, 'phase' | 'stop_reason' | 'max_concurrent_trials'>>,
): Promise<void> {
  await trx.updateTable('sweeps').set(changes).where('id', '=', id).execute();
  if (changes.phase === undefined) return;
  await insertEvents(trx, [{ kind: 'phase', sweep_id: id, data: { phase: changes.phase } }]);
}

/** An ended sweep runs again; its workflow is to be started. */
async function reopenSweep(trx: Transaction<Database>, sweep: SweepRow): Promise<void> {
  if (isOpen(sweep.phase)) return;
  await trx
    .updateTable('sweeps')
    .set({
      phase: 'running',
      stop_reason: null,
      failure: null,
      finished_at: null,
      workflow_started: false,
      workflow_chain: sweep.workflow_chain + 1,
    })
    .where('id', '=', sweep.id)
    .execute();
  await insertEvents(trx, [{ kind: 'phase', sweep_id: sweep.id, data: { phase: 'running' } }]);
}

async function lockTrial(trx: Transaction<Database>, sweep: SweepRow, trial: number): Promise<RunRow> {
  const found = await trx
    .selectFrom('runs')
    .select('id')
    .where('sweep_id', '=', sweep.id)
    .where('trial', '=', trial)
    .executeTakeFirst();
  if (found === undefined) throw notPossible(sweep, `has no trial ${trial}`);
  return lockRun(trx, found.id);
}
