import { textQueue } from '@murnau/contracts';
import type { TextActivities, TokenCheckInput, WordProblem } from '@murnau/contracts';
import { proxyActivities } from '@temporalio/workflow';

const { checkTokens } = proxyActivities<TextActivities>({
  scheduleToCloseTimeout: '8 s',
  startToCloseTimeout: '3 s',
  retry: { initialInterval: '200 ms', backoffCoefficient: 1 },
});

/** Asks a model's tokenizers whether words may be used, before anything is stored. */
export async function tokenCheck(input: TokenCheckInput): Promise<WordProblem[]> {
  return checkTokens.executeWithOptions(
    { taskQueue: textQueue(input.model), summary: `${input.words.length} pairs of words` },
    [input],
  );
}
