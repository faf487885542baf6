import { toStoredEnd } from '@murnau/contracts';
import type { GenerationActivities } from '@murnau/contracts';
import { activity } from '../activity.js';
import type { OrchestratorDeps } from '../deps.js';

export function createGenerationActivities({ store }: Pick<OrchestratorDeps, 'store'>): GenerationActivities {
  return {
    endGeneration: activity(async ({ generation_id, ending }) => {
      const { phase } = await store.generations.end(generation_id, toStoredEnd('generation', ending));
      return { phase };
    }),
  };
}
