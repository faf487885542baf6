import type { SegmentInput, SegmentResult, TrainingActivities } from '@murnau/contracts';
import { toActivityFailure } from '@murnau/contracts';
import { MurnauError, toMurnauError } from '@murnau/domain';
import type { TrainingSpec } from '@murnau/domain';
import type { GpuClient } from '@murnau/gpu-client';
import type { Claim, Store } from '@murnau/store';
import { activityInfo, cancellationDetails, cancellationSignal, heartbeat, log } from '@temporalio/activity';
import { classified } from '../../activity.js';
import { restartPolicy } from './restart-policy.js';
import { followSession } from './follow-session.js';
import { SegmentHeartbeat } from './segment-heartbeat.js';
import type { WorkerTrouble } from './worker-trouble.js';

interface TrainingDeps {
  readonly store: Pick<Store, 'blobs' | 'embeddings' | 'runs'>;
  readonly client: GpuClient;
  /** Name of the worker, as claims and the Temporal UI show it. */
  readonly workerName: string;
  readonly trouble: WorkerTrouble;
  /** Whether the worker answers now; a task that comes while it does not goes back to the queue at once. */
  readonly isHealthy: () => boolean;
  /** A stream broke: look at the worker before giving it the next run. */
  readonly onSuspect: () => void;
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
    segmentMaxMs: input.segment_max_s * 1_000,
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

/** Puts the cause down and says whether Temporal is to try again. */
async function failSegment(
  deps: TrainingDeps,
  claim: Claim,
  error: unknown,
  shared: boolean,
): Promise<SegmentResult> {
  const failure = toMurnauError(error);
  const { code } = failure;
  const policy = restartPolicy({ code, shared });
  if (policy.kind === 'fenced') return { step: claim.acknowledged_step, end: 'fenced' };
  if (code === 'run.already_ended') return { step: claim.acknowledged_step, end: 'ended' };
  log.warn('segment failed', { run_id: claim.run_id, epoch: claim.epoch, code, message: failure.message });
  if (policy.kind === 'fail') throw toActivityFailure(failure);
  const isCounted = policy.kind === 'counted';
  if (isCounted) deps.trouble.failed(claim.run_id, code);
  if (code.startsWith('worker.')) deps.onSuspect();
  try {
    const { allowed } = await deps.store.runs.countRestart(claim.run_id, claim.epoch, policy.cause, {
      counted: isCounted,
    });
    if (!allowed && isCounted) {
      const { max_restarts } = claim.spec;
      const message = `Given up after ${max_restarts} restarts; the last: ${failure.message}`;
      throw toActivityFailure(new MurnauError('run.too_many_restarts', message, { cause: failure }));
    }
  } catch (countError) {
    const { code: countCode } = toMurnauError(countError);
    if (countCode === 'claim.fenced') return { step: claim.acknowledged_step, end: 'fenced' };
    // The next claim puts down what could not be put down here.
    if (countCode !== 'storage.unavailable' && countCode !== 'storage.full') throw countError;
  }
  throw toActivityFailure(failure, { retryable: true });
}

async function trainSegment(deps: TrainingDeps, input: SegmentInput): Promise<SegmentResult> {
  if (!deps.isHealthy()) throw new MurnauError('worker.unavailable', `${deps.workerName} does not answer.`);
  const beat = new SegmentHeartbeat({
    worker: deps.workerName,
    heartbeat,
    intervalMs: deps.heartbeatIntervalMs,
  });
  try {
    const claim = await claimSegment(deps, input);
    if (!('epoch' in claim)) return claim;
    let result: SegmentResult;
    try {
      result = await computeSegment(deps, input, claim, beat);
    } catch (error) {
      if (cancellationSignal().aborted) return endStopped({ step: claim.acknowledged_step, end: 'stopped' });
      return await failSegment(deps, claim, error, deps.running() > 1);
    }
    deps.trouble.succeeded(claim.run_id);
    return result.end === 'stopped' ? endStopped(result) : result;
  } finally {
    beat.stop();
  }
}

export function createTrainingActivities(deps: TrainingDeps): TrainingActivities {
  return { trainSegment: classified((input: SegmentInput) => trainSegment(deps, input)) };
}
