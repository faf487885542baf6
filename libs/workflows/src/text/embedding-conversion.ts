import { textQueue } from '@murnau/contracts';
import type { ConversionResult, EmbeddingConversionInput, TextActivities } from '@murnau/contracts';
import { proxyActivities } from '@temporalio/workflow';

const { convertEmbedding } = proxyActivities<TextActivities>({
  scheduleToCloseTimeout: '28 s',
  startToCloseTimeout: '12 s',
  retry: { initialInterval: '200 ms', backoffCoefficient: 1 },
});

/** Reads a learnt embedding's file, checks it against a model and writes it in another format. */
export async function embeddingConversion(input: EmbeddingConversionInput): Promise<ConversionResult> {
  return convertEmbedding.executeWithOptions(
    { taskQueue: textQueue(input.model), summary: `to ${input.to_format}` },
    [input],
  );
}
