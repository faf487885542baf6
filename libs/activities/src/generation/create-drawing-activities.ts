import type { DrawingActivities, GenerationInput } from '@murnau/contracts';
import { endsWorkers, goesAlone, MurnauError, toMurnauError } from '@murnau/domain';
import { cancellationSignal } from '@temporalio/activity';
import type { WorkerDeps, WorkerDoor } from '../on-worker.js';
import { onWorker } from '../on-worker.js';
import { drawPictures } from './draw-pictures.js';

interface DrawingDeps extends WorkerDeps {
  readonly door: WorkerDoor;
}

export function createDrawingActivities(deps: DrawingDeps): DrawingActivities {
  return {
    generateImages: onWorker(deps, ({ generation_id }: GenerationInput, report) =>
      withPlace(deps, generation_id, (signal) => drawPictures(deps, generation_id, { signal, report })),
    ),
  };
}

/** One under which workers died goes alone, and is ended when they go on dying (`libs/domain/src/worker-deaths.ts`). */
async function withPlace<Result>(
  { store, door, incarnation, hasEnded }: DrawingDeps,
  generationId: string,
  draw: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const signal = cancellationSignal();
  const alone = goesAlone(await store.generations.workerDeaths(generationId));
  const leave = await door.enter({ alone, signal });
  const process = incarnation();
  try {
    return await draw(signal);
  } catch (error) {
    const isLost = toMurnauError(error).code === 'worker.lost' && !signal.aborted;
    if (!isLost || !(await hasEnded(process))) throw error;
    const deaths = await store.generations.countWorkerDeath(generationId);
    if (!endsWorkers(deaths)) throw error;
    const message = `A worker's process ended ${deaths} times in a row under it, at last with nothing beside it.`;
    throw new MurnauError('generation.ends_worker', message, { cause: error });
  } finally {
    leave();
  }
}
