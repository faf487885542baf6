import { toStoredFailure } from '@murnau/contracts';
import type { GenerationActivities } from '@murnau/contracts';
import { activity } from '../activity.js';
import type { OrchestratorDeps } from '../deps.js';

export function createGenerationActivities({ store }: Pick<OrchestratorDeps, 'store'>): GenerationActivities {
  return {
    endGeneration: activity(async ({ generation_id, phase, failure }) => {
      await store.generations.end(generation_id, {
        phase,
        failure: failure === undefined ? null : toStoredFailure(failure),
      });
    }),
  };
}
