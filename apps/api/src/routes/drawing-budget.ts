import { type GenerationRequest, MurnauError } from '@murnau/domain';
import type { ServerDeps } from '../server-deps.js';

interface Size {
  width: number;
  height: number;
}

/** Where a worker says nothing of it: the original's. */
const STEPS_UNSAID = 100;

const inMillions = (count: number): string => (Math.ceil(count / 1e5) / 10).toLocaleString('en-US');

/**
 * Refuses a generation that would hold a device for hours: it has a budget of pixels × steps × pictures.
 * @param picture the one that it starts from, whose size is meant where none is named
 * @throws MurnauError `generation.too_large`
 */
export async function checkBudget(
  { store, limits }: ServerDeps,
  { model, count, num_steps, width, height }: GenerationRequest,
  picture?: Size,
): Promise<void> {
  const models = (await store.workers.list()).flatMap((worker) => worker.models);
  const known = models.find(({ name }) => name === model);
  const side = known?.image_size ?? 0;
  const size = { width: width ?? picture?.width ?? side, height: height ?? picture?.height ?? side };
  const steps = num_steps ?? known?.sampling?.num_steps ?? STEPS_UNSAID;
  const perPicture = size.width * size.height * steps;
  if (perPicture * count <= limits.pixelSteps) return;
  const given = `${count} × ${size.width}×${size.height} pixels × ${steps} steps`;
  const most = `${inMillions(limits.pixelSteps)} million pixels × steps × pictures`;
  const pictures = Math.floor(limits.pixelSteps / perPicture);
  const fitting =
    pictures > 0
      ? `${pictures} pictures of this size and so many steps`
      : `${Math.floor(limits.pixelSteps / (size.width * size.height))} steps of one picture of this size`;
  throw new MurnauError(
    'generation.too_large',
    `${given} are ${inMillions(perPicture * count)} million; a generation may have ${most}.`,
    { field: 'count', given, allowed: `${most}, such as ${fitting}` },
  );
}
