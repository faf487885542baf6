import { MurnauError, type Sample } from '@murnau/domain';
import { sql, type Transaction } from 'kysely';
import { type StoreContext, write } from '../context.js';
import { newToken } from '../database/idempotency.js';
import type { Database } from '../database/schema.js';
import { insertEvents, type NewEvent } from '../events/event-records.js';
import { certify } from './certify.js';
import type { MetricRecord, Progress, ProgressRecorded } from './progress.js';
import { lockClaimedRun, refuseEnded, type RunRow } from './records.js';

/**
 * The one way a segment's results enter the store: all of the batch, or nothing of it. The same batch twice leaves
 * what it left the first time. One writer per epoch, one batch after the other.
 * @throws `claim.fenced`, `run.already_ended`, `blob.not_found`
 */
export async function recordProgress(
  store: StoreContext,
  runId: string,
  epoch: number,
  progress: Progress,
): Promise<ProgressRecorded> {
  refuseNonFinite(progress.metrics ?? []);
  const token = newToken();
  return write(store, async (trx) => {
    const run = await lockClaimedRun(trx, runId, epoch);
    if (run.batch_token === token) return { step: run.step, certified_step: Math.max(0, run.certified_step) };
    refuseEnded(run);
    await insertMetrics(trx, runId, progress.metrics ?? []);
    await insertSamples(trx, runId, progress.samples ?? []);
    const step = Math.max(run.step, newestStep(progress));
    const certified = progress.checkpoint && (await certify(trx, run, epoch, progress.checkpoint));
    await trx
      .updateTable('runs')
      .set({
        step,
        batch_token: token,
        ...(progress.judgement && { judgement: JSON.stringify(progress.judgement) }),
        ...certified?.changes,
        ...(certified && deviceTime(progress.sharers ?? 1)),
      })
      .where('id', '=', runId)
      .execute();
    const certifiedStep = Math.max(0, certified?.step ?? run.certified_step);
    await insertEvents(trx, eventsOf(run, progress, step, certifiedStep));
    return { step, certified_step: certifiedStep };
  });
}

/** Counted at each certified batch, so that a crash loses a checkpoint interval at most. */
function deviceTime(sharers: number) {
  const share = Math.max(1, sharers);
  return {
    device_s: sql<number>`device_s + extract(epoch from now() - coalesce(device_mark, now()))::float8 / ${share}::float8`,
    device_mark: sql<Date>`now()`,
  };
}

/** A claim deletes what is not certified, so a row that is there already is the same one, sent twice. */
async function insertMetrics(
  trx: Transaction<Database>,
  runId: string,
  metrics: readonly MetricRecord[],
): Promise<void> {
  if (metrics.length === 0) return;
  await sql`
    insert into metrics (run_id, step, name, value)
    select ${runId}, step, name, value
    from unnest(${metrics.map(({ step }) => step)}::int[], ${metrics.map(({ name }) => name)}::text[],
                ${metrics.map(({ value }) => value)}::float8[]) as given (step, name, value)
    on conflict do nothing`.execute(trx);
}

async function insertSamples(
  trx: Transaction<Database>,
  runId: string,
  samples: readonly Sample[],
): Promise<void> {
  if (samples.length === 0) return;
  await trx
    .insertInto('samples')
    .values(
      samples.map(({ step, kind, position, prompt, seed, hash, image_alignment }) => ({
        run_id: runId,
        step,
        kind,
        position,
        prompt,
        seed,
        hash,
        image_alignment,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function newestStep({ step = 0, metrics = [], samples = [], checkpoint }: Progress): number {
  const steps = [...metrics, ...samples].map((record) => record.step);
  return steps.reduce((newest, next) => Math.max(newest, next), Math.max(step, checkpoint?.step ?? 0));
}

function eventsOf(run: RunRow, progress: Progress, step: number, certifiedStep: number): NewEvent[] {
  const { metrics = [], samples = [], events = [], checkpoint } = progress;
  const latest = Object.fromEntries(
    [...metrics].sort((a, b) => a.step - b.step).map(({ name, value }) => [name, value]),
  );
  const data = { certified_step: certifiedStep, metrics: latest, samples: samples.length };
  const hasProgress = metrics.length > 0 || samples.length > 0 || checkpoint !== undefined;
  const all = [
    ...events,
    ...sampleEvents(samples),
    ...(hasProgress ? [{ kind: 'progress', step, data }] : []),
  ];
  return all.map((event) => ({ ...event, run_id: run.id, sweep_id: run.sweep_id }));
}

/** One for each step and kind of picture. */
function sampleEvents(samples: readonly Sample[]): NewEvent[] {
  const groups = new Map<string, NewEvent>();
  for (const { step, kind } of samples) {
    const count = samples.filter((sample) => sample.step === step && sample.kind === kind).length;
    groups.set(`${step} ${kind}`, { kind: 'sample', step, data: { kind, count } });
  }
  return [...groups.values()];
}

function refuseNonFinite(metrics: readonly MetricRecord[]): void {
  const bad = metrics.find(({ value }) => !Number.isFinite(value));
  if (bad === undefined) return;
  throw new MurnauError('run.diverged', `${bad.name} is not a number at step ${bad.step}.`, {
    field: bad.name,
    given: String(bad.value),
    allowed: 'a finite number',
  });
}
