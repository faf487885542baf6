import type { ConversionResult, EmbeddingConversionInput, TextActivities } from '@murnau/contracts';
import { generateQueue } from '@murnau/contracts';
import { proxyActivities } from '@temporalio/workflow';
import { flatRetry } from '../retry.js';

const device = proxyActivities<TextActivities>({
  scheduleToCloseTimeout: '28 s',
  startToCloseTimeout: '12 s',
  retry: flatRetry,
});

/** Reads a learnt embedding's file, checks it against a model and writes it in another format. */
export async function embeddingConversion(input: EmbeddingConversionInput): Promise<ConversionResult> {
  return device.convertEmbedding.executeWithOptions(
    { taskQueue: generateQueue(input.model), summary: `to ${input.to_format}` },
    [input],
  );
}
