import type { GenerationActivities, TokenCheckInput, WordProblem } from '@murnau/activities';
import { generateQueue } from '@murnau/domain';
import { proxyActivities } from '@temporalio/workflow';
import { flatRetry } from '../retry.js';

const device = proxyActivities<GenerationActivities>({
  scheduleToCloseTimeout: '8 s',
  startToCloseTimeout: '3 s',
  retry: flatRetry,
});

/** Asks a model's tokenizers whether words may be used, before anything is stored. */
export async function tokenCheck(input: TokenCheckInput): Promise<WordProblem[]> {
  return device.checkTokens.executeWithOptions(
    { taskQueue: generateQueue(input.model), summary: `${input.words.length} pairs of words` },
    [input],
  );
}
