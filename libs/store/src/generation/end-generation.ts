import { type EndedPhase, type Failure, type Generation, generationPhasesWithWorkflow } from '@murnau/domain';
import { sql } from 'kysely';
import { type StoreContext, write } from '../context.js';
import { insertEvents } from '../events/event-records.js';
import { getGeneration } from './reads.js';

interface GenerationEnd {
  phase: EndedPhase;
  failure?: Failure | null;
}

/** An ended generation stays as it ended. */
export async function endGeneration(
  store: StoreContext,
  id: string,
  end: GenerationEnd,
): Promise<Generation> {
  await writeEnd(store, id, end);
  return getGeneration(store, id);
}

/** Its workflow of this chain has closed without storing the end. */
export async function endAbandonedGeneration(
  store: StoreContext,
  id: string,
  chain: number,
  end: GenerationEnd,
): Promise<void> {
  await writeEnd(store, id, end, chain);
}

/** @param chain absent: whichever its workflow has */
async function writeEnd(
  store: StoreContext,
  id: string,
  { phase, failure }: GenerationEnd,
  chain?: number,
): Promise<void> {
  await write(store, async (trx) => {
    let update = trx
      .updateTable('generations')
      .set({
        phase,
        failure: failure ? JSON.stringify(failure) : null,
        finished_at: sql<Date>`now()`,
        ...(phase === 'finished' && { progress: 1, preview_hash: null }),
      })
      .where('id', '=', id)
      .where('phase', 'in', generationPhasesWithWorkflow);
    if (chain !== undefined) {
      update = update.where('workflow_started', '=', true).where('workflow_chain', '=', chain);
    }
    const changed = await update.returning('id').executeTakeFirst();
    if (changed === undefined) return;
    await insertEvents(trx, [
      { kind: 'phase', generation_id: id, data: { phase, ...(failure ? { failure } : {}) } },
    ]);
  });
}
