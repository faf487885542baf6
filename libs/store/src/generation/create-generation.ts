import { type Generation, type GenerationRequest, generationWorkflowId, inputsOf } from '@murnau/domain';
import type { StoreContext } from '../context.js';
import { createOnce, type Once } from '../database/idempotency.js';
import { insertEvents } from '../events/event-records.js';
import { getGeneration } from './reads.js';

/**
 * Pictures asked for by hand; stored, not started.
 * @throws `blob.not_found` when a picture of the request is not stored
 */
export async function createGeneration(
  store: StoreContext,
  { owner, request }: { owner: string; request: GenerationRequest },
  options: Once = {},
): Promise<Generation> {
  const creation = {
    owner,
    scope: 'generation',
    key: options.idempotencyKey,
    request: options.request ?? request,
  } as const;
  const id = await createOnce(store.connection, creation, async (trx, newId) => {
    const workflow_id = generationWorkflowId(newId);
    await trx
      .insertInto('generations')
      .values({
        id: newId,
        owner,
        request: JSON.stringify(request),
        model: request.model,
        workflow_id,
        failure: null,
      })
      .execute();
    const inputs = inputsOf(request).map((input) => ({ generation_id: newId, ...input }));
    if (inputs.length > 0) await trx.insertInto('generation_inputs').values(inputs).execute();
    await insertEvents(trx, [{ kind: 'created', generation_id: newId }]);
  });
  store.hub.announce();
  return getGeneration(store, id);
}
