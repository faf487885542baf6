import type { DrawingActivities, GenerationInput } from '@murnau/contracts';
import { failureOf, generateQueue, workflowMessages } from '@murnau/contracts';
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  defineQuery,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import { showAttributes } from '../attributes.js';
import { durableBooks } from '../books.js';
import { deviceOptions } from '../retry.js';
import type { StopRequest } from '../stop-request.js';
import { listenForStop } from '../stop-request.js';

const device = proxyActivities<DrawingActivities>(deviceOptions);

export const generationStatusQuery = defineQuery<{ phase: string }>(workflowMessages.status);

export interface GenerationOutcome {
  readonly phase: string;
}

/** Pictures from a prompt, with any learnt words. */
export async function generation(input: GenerationInput): Promise<GenerationOutcome> {
  const stop = listenForStop('generation.already_ended');
  return CancellationScope.nonCancellable(() => generate(input, stop));
}

async function generate(input: GenerationInput, stop: StopRequest): Promise<GenerationOutcome> {
  let phase = 'running';
  setHandler(generationStatusQuery, () => ({ phase }));
  showAttributes({ MurnauPhase: phase });
  const { generation_id, model } = input;
  try {
    await stop.interruptible(() =>
      device.generateImages.executeWithOptions({ taskQueue: generateQueue(model), summary: 'pictures' }, [
        input,
      ]),
    );
    phase = 'finished';
  } catch (error) {
    const isCancelled = stop.by() !== undefined;
    phase = isCancelled ? 'cancelled' : 'failed';
    await durableBooks.endGeneration(
      isCancelled
        ? { generation_id, phase: 'cancelled' }
        : { generation_id, phase: 'failed', failure: failureOf(error) },
    );
  }
  stop.close();
  showAttributes({ MurnauPhase: phase });
  await condition(allHandlersFinished);
  if (phase === 'failed')
    throw ApplicationFailure.nonRetryable('The generation failed.', 'generation.failed');
  if (phase === 'cancelled' && stop.isNative()) throw new CancelledFailure('The generation was cancelled.');
  return { phase };
}
