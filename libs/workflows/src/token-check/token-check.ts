import type { TextActivities, TokenCheckInput, WordProblem } from '@murnau/contracts';
import { generateQueue } from '@murnau/contracts';
import { proxyActivities } from '@temporalio/workflow';
import { flatRetry } from '../retry.js';

const device = proxyActivities<TextActivities>({
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
