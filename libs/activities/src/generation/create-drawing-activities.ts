import type { DrawingActivities, GenerationInput } from '@murnau/contracts';
import { cancellationSignal } from '@temporalio/activity';
import type { WorkerDeps } from '../on-worker.js';
import { onWorker } from '../on-worker.js';
import { drawPictures } from './draw-pictures.js';

export function createDrawingActivities(deps: WorkerDeps): DrawingActivities {
  return {
    generateImages: onWorker(deps, ({ generation_id }: GenerationInput, report) =>
      drawPictures(deps, generation_id, { signal: cancellationSignal(), report }),
    ),
  };
}
