import type { SegmentInput, SegmentResult, TrainingActivities } from '@murnau/contracts';
import { toActivityFailure } from '@murnau/contracts';
import { endsWorkers, goesAlone, MurnauError, toMurnauError } from '@murnau/domain';
import type { TrainingSpec } from '@murnau/domain';
import type { GpuClient } from '@murnau/gpu-client';
import type { Claim, Store } from '@murnau/store';
import { activityInfo, cancellationDetails, cancellationSignal, heartbeat, log } from '@temporalio/activity';
import { classified, retryDelayMs } from '../../activity.js';
import type { WorkerDoor, WorkerHealth } from '../../on-worker.js';
import { restartPolicy } from './restart-policy.js';
import { followSession } from './follow-session.js';
import { SegmentHeartbeat } from './segment-heartbeat.js';
import type { WorkerTrouble } from './worker-trouble.js';

interface TrainingDeps extends WorkerHealth {
  readonly store: Pick<Store, 'blobs' | 'embeddings' | 'runs'>;
  readonly client: GpuClient;
  /** Name of the worker, as claims and the Temporal UI show it. */
  readonly workerName: string;
  readonly trouble: WorkerTrouble;
  readonly door: WorkerDoor;
  /** Segments at work on the worker now, this one included. */
  readonly running: () => number;
  /** Between heartbeats of a segment, in milliseconds. */
  readonly heartbeatIntervalMs: number;
  /** Default 300: real models take minutes to load. */
  readonly stuckAfterS?: number;
}

async function claimSegment(deps: TrainingDeps, input: SegmentInput): Promise<Claim | SegmentResult> {
  const { chain, segment, run_id } = input;
  try {
    return await deps.store.runs.claim(
      run_id,
      { chain, segment, attempt: activityInfo().attempt },
      deps.workerName,
    );
  } catch (error) {
    const { code } = toMurnauError(error);
    if (code === 'run.already_ended') return { step: 0, end: 'ended' };
    if (code === 'claim.stale') return { step: 0, end: 'fenced' };
    throw error;
  }
}

/** @throws `embedding.not_found` where the embedding that the run starts from is gone */
async function initializerEmbedding(
  store: TrainingDeps['store'],
  { initializer_embedding: id }: TrainingSpec,
): Promise<Uint8Array | null> {
  if (id === undefined) return null;
  const { hash } = await store.embeddings.get(id);
  return store.blobs.get(hash);
}

async function computeSegment(
  deps: TrainingDeps,
  input: SegmentInput,
  claim: Claim,
  beat: SegmentHeartbeat,
): Promise<SegmentResult> {
  const { store, client } = deps;
  const signal = cancellationSignal();
  const { resume, images, spec, epoch, run_id } = claim;
  // An earlier attempt got there, but its word was lost.
  if (resume !== null && resume.step >= input.until_step) return { step: resume.step, end: 'until_step' };
  const [state, initializer_embedding] = await Promise.all([
    resume === null ? null : store.blobs.get(resume.state_hash),
    initializerEmbedding(store, spec),
    client.ensureBlobs(
      images.flatMap(({ hash, mask_hash }) => (mask_hash === null ? [hash] : [hash, mask_hash])),
      (hash) => store.blobs.get(hash),
      { signal },
    ),
  ]);
  return followSession({
    store,
    claim,
    heartbeat: beat,
    untilStep: input.until_step,
    // One that goes alone is packed again as soon as a step of it is certified.
    segmentMaxMs: input.alone ? 0 : input.segment_max_s * 1_000,
    stuckAfterS: deps.stuckAfterS ?? 300,
    sharers: deps.running,
    signal,
    open: (stop) =>
      client.train(
        {
          run_id,
          epoch,
          spec,
          images,
          initializer_embedding,
          state,
          until_step: input.until_step,
          acknowledged_step: claim.acknowledged_step,
        },
        { signal: stop },
      ),
  });
}

/** Why Temporal ended the activity decides what it answers: only a person's or the workflow's word ends a segment well. */
function endStopped(result: SegmentResult): SegmentResult {
  const details = cancellationDetails();
  if (details?.cancelRequested === true) return result;
  if (details?.notFound === true || details?.timedOut === true) return { ...result, end: 'fenced' };
  throw toActivityFailure(new MurnauError('worker.lost', 'The dispatcher is going down.'));
}

/** How an attempt failed. */
interface Failed {
  readonly error: unknown;
  /** Whether other runs were on the device. */
  readonly shared: boolean;
  /** Of the worker's process that it was on. */
  readonly incarnation: string;
}

/** Puts the cause down and says whether Temporal is to try again. */
async function failSegment(
  deps: TrainingDeps,
  claim: Claim,
  { error, shared, incarnation }: Failed,
): Promise<SegmentResult> {
  const failure = toMurnauError(error);
  const { code } = failure;
  const { run_id, epoch, acknowledged_step: step } = claim;
  const died = code === 'worker.lost' && (await deps.hasEnded(incarnation));
  const policy = restartPolicy({ code, shared, died });
  if (policy.kind === 'fenced') return { step, end: 'fenced' };
  if (code === 'run.already_ended') return { step, end: 'ended' };
  log.warn('segment failed', { run_id, epoch, code, died, message: failure.message });
  if (policy.kind === 'fail') throw toActivityFailure(failure);
  const isCounted = policy.kind === 'counted';
  if (isCounted) deps.trouble.failed(run_id, code);
  if (code.startsWith('worker.')) deps.onSuspect();
  let retryAfterMs: number | undefined;
  try {
    const count = await deps.store.runs.countRestart(run_id, epoch, policy.cause, {
      counted: isCounted,
      died,
    });
    const end = isCounted
      ? tooManyRestarts(claim, count.allowed, failure)
      : tooManyDeaths(died, count.deaths);
    if (end !== undefined) throw toActivityFailure(end);
    if (died && goesAlone(count.deaths)) return { step, end: 'alone' };
    if (isCounted) retryAfterMs = retryDelayMs(count.counted);
  } catch (countError) {
    const { code: countCode } = toMurnauError(countError);
    if (countCode === 'claim.fenced') return { step, end: 'fenced' };
    // The next claim puts down what could not be put down here.
    if (countCode !== 'storage.unavailable' && countCode !== 'storage.full') throw countError;
  }
  throw toActivityFailure(failure, { retryable: true, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}

function tooManyRestarts({ spec }: Claim, allowed: boolean, last: MurnauError): MurnauError | undefined {
  if (allowed) return undefined;
  const message = `Given up after ${spec.max_restarts} restarts; the last: ${last.message}`;
  return new MurnauError('run.too_many_restarts', message, { cause: last });
}

function tooManyDeaths(died: boolean, deaths: number): MurnauError | undefined {
  if (!died || !endsWorkers(deaths)) return undefined;
  const message = `Its worker's process ended ${deaths} times in a row under it, at last with nothing beside it.`;
  return new MurnauError('run.ends_worker', message);
}

async function trainSegment(deps: TrainingDeps, input: SegmentInput): Promise<SegmentResult> {
  const beat = new SegmentHeartbeat({
    worker: deps.workerName,
    heartbeat,
    intervalMs: deps.heartbeatIntervalMs,
  });
  try {
    refuseUnhealthy(deps);
    const leave = await deps.door.enter({ alone: input.alone, signal: cancellationSignal() });
    try {
      refuseUnhealthy(deps);
      return await claimAndCompute(deps, input, beat);
    } finally {
      leave();
    }
  } finally {
    beat.stop();
  }
}

function refuseUnhealthy({ isHealthy, workerName }: TrainingDeps): void {
  if (!isHealthy()) throw new MurnauError('worker.unavailable', `${workerName} does not answer.`);
}

async function claimAndCompute(
  deps: TrainingDeps,
  input: SegmentInput,
  beat: SegmentHeartbeat,
): Promise<SegmentResult> {
  const claim = await claimSegment(deps, input);
  if (!('epoch' in claim)) return claim;
  const incarnation = deps.incarnation();
  let result: SegmentResult;
  try {
    result = await computeSegment(deps, input, claim, beat);
  } catch (error) {
    if (cancellationSignal().aborted) return endStopped({ step: claim.acknowledged_step, end: 'stopped' });
    return await failSegment(deps, claim, { error, shared: deps.running() > 1, incarnation });
  }
  deps.trouble.succeeded(claim.run_id);
  return result.end === 'stopped' ? endStopped(result) : result;
}

export function createTrainingActivities(deps: TrainingDeps): TrainingActivities {
  return { trainSegment: classified((input: SegmentInput) => trainSegment(deps, input)) };
}
