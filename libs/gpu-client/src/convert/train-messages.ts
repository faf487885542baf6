import { MurnauError } from '@murnau/domain';
import type { SampleKind } from '@murnau/domain';
import * as proto from '../gen/murnau/worker/v1/worker.js';
import type { FinishReason, TrainEvent, TrainStart } from '../types.js';
import { toProtoTrainingSpec } from './training-spec.js';

export function startMessage(start: TrainStart): proto.TrainRequest {
  return {
    message: {
      $case: 'start',
      value: {
        runId: start.run_id,
        epoch: BigInt(start.epoch),
        spec: toProtoTrainingSpec(start.spec),
        images: start.images.map(({ hash, name, mask_hash, caption }) => ({
          hash,
          name,
          maskHash: mask_hash ?? '',
          caption: caption ?? '',
        })),
        initializerEmbedding:
          start.initializer_embedding === null ? undefined : Buffer.from(start.initializer_embedding),
        state: start.state === null ? undefined : Buffer.from(start.state),
        untilStep: start.until_step,
        acknowledgedStep: start.acknowledged_step,
      },
    },
  };
}

export const pingMessage: proto.TrainRequest = { message: { $case: 'ping', value: {} } };

export function acknowledgedMessage(step: number): proto.TrainRequest {
  return { message: { $case: 'acknowledged', value: { step } } };
}

function sampleKind(kind: proto.SampleKind): SampleKind {
  if (kind === proto.SampleKind.SAMPLE_KIND_FINAL) return 'final';
  if (kind === proto.SampleKind.SAMPLE_KIND_BASELINE) return 'baseline';
  if (kind === proto.SampleKind.SAMPLE_KIND_FUSE_BASELINE) return 'fuse_baseline';
  return 'progress';
}

function finishReason(reason: proto.FinishReason): FinishReason {
  if (reason === proto.FinishReason.FINISH_REASON_SUPERSEDED) return 'superseded';
  if (reason === proto.FinishReason.FINISH_REASON_DRAINING) return 'draining';
  if (reason === proto.FinishReason.FINISH_REASON_PLATEAU) return 'plateau';
  return 'until_step';
}

/** @returns undefined for an event that this version does not know: a newer worker may say more. */
export function toTrainEvent({ event }: proto.TrainResponse): TrainEvent | undefined {
  if (event === undefined) return undefined;
  switch (event.$case) {
    case 'started': {
      const { step, numericFingerprint, modelFingerprint, loadingS } = event.value;
      return {
        kind: 'started',
        step,
        numeric_fingerprint: numericFingerprint,
        model_fingerprint: modelFingerprint,
        loading_s: loadingS,
      };
    }
    case 'alive': {
      const { step, progressAgeS, phase, stepsPerSecond } = event.value;
      return { kind: 'alive', step, progress_age_s: progressAgeS, phase, steps_per_second: stepsPerSecond };
    }
    case 'metrics': {
      const { step, values } = event.value;
      const wrong = Object.keys(values).find((name) => !Number.isFinite(values[name]));
      if (wrong !== undefined)
        throw new MurnauError('run.diverged', `${wrong} is not a number at step ${step}.`);
      return { kind: 'metrics', step, values };
    }
    case 'sample': {
      const { step, kind, position, prompt, seed, png, imageAlignment } = event.value;
      return {
        kind: 'sample',
        step,
        sample_kind: sampleKind(kind),
        position,
        prompt,
        seed: Number(seed),
        png,
        image_alignment: imageAlignment ?? null,
      };
    }
    case 'judgement': {
      const { step, judge, concept, baselineWord } = event.value;
      return { kind: 'judgement', step, judge, concept, baseline_word: baselineWord };
    }
    case 'checkpoint':
      return { kind: 'checkpoint', ...event.value };
    case 'log':
      return { kind: 'log', ...event.value };
    case 'finished':
      return { kind: 'finished', step: event.value.step, reason: finishReason(event.value.reason) };
    default:
      return undefined;
  }
}
