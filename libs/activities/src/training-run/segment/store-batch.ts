import type { Progress, Store } from '@murnau/store';
import type { Recordable } from './batches.js';

type EventOf<Kind extends Recordable['kind']> = Extract<Recordable, { kind: Kind }>;
const ofKind = <Kind extends Recordable['kind']>(batch: readonly Recordable[], kind: Kind): EventOf<Kind>[] =>
  batch.filter((event): event is EventOf<Kind> => event.kind === kind);

const isLogged = (level: string): boolean => level === 'warning' || level === 'error' || level === 'info';

type Started = EventOf<'started'>;

function storeStart(
  store: Pick<Store, 'runs'>,
  runId: string,
  epoch: number,
  { step, numeric_fingerprint, model_fingerprint, loading_s }: Started,
): Promise<void> {
  return store.runs.recordStarted(runId, epoch, {
    fingerprint: numeric_fingerprint,
    model_fingerprint,
    step,
    loading_s,
  });
}

/**
 * Stores one batch: blobs first, then all rows in one transaction. Returns the step of its checkpoint, if any.
 * @param sharers runs on the device, this one included
 */
export async function storeBatch(
  store: Pick<Store, 'blobs' | 'runs'>,
  runId: string,
  epoch: number,
  batch: readonly Recordable[],
  sharers = 1,
): Promise<number | undefined> {
  const started = ofKind(batch, 'started')[0];
  if (started !== undefined) {
    await storeStart(store, runId, epoch, started);
    return undefined;
  }
  const samples = ofKind(batch, 'sample');
  const checkpoint = ofKind(batch, 'checkpoint')[0];
  const judged = ofKind(batch, 'judgement').at(-1);
  const contents = [
    ...samples.map(({ png }) => ({ content: png, media_type: 'image/png' })),
    ...(checkpoint === undefined
      ? []
      : [checkpoint.state, checkpoint.embedding].map((content) => ({
          content,
          media_type: 'application/octet-stream',
        }))),
  ];
  const blobs = contents.length === 0 ? [] : await store.blobs.putMany(contents);
  const hashAt = (index: number): string => blobs[index]?.hash ?? '';
  const progress: Progress = {
    sharers,
    metrics: ofKind(batch, 'metrics').flatMap(({ step, values }) =>
      Object.entries(values).map(([name, value]) => ({ step, name, value })),
    ),
    samples: samples.map(({ step, sample_kind, position, prompt, seed, image_alignment }, index) => ({
      step,
      kind: sample_kind,
      position,
      prompt,
      seed,
      hash: hashAt(index),
      image_alignment,
    })),
    ...(checkpoint === undefined
      ? {}
      : {
          checkpoint: {
            step: checkpoint.step,
            state_hash: hashAt(samples.length),
            embedding_hash: hashAt(samples.length + 1),
          },
        }),
    ...(judged === undefined
      ? {}
      : {
          judgement: {
            judge: judged.judge,
            concept: judged.concept,
            baseline_word: judged.baseline_word,
          },
        }),
    events: ofKind(batch, 'log')
      .filter(({ level }) => isLogged(level))
      .map(({ step, level, message }) => ({ kind: 'log', step, data: { level, message } })),
  };
  await store.runs.recordProgress(runId, epoch, progress);
  return checkpoint?.step;
}
