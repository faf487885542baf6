import { readFile } from 'node:fs/promises';
import type { GenerationRequest, Recipe } from '@murnau/domain';
import { MurnauError } from '@murnau/domain';
import type { Context } from '../core/context.js';

/** The recipe that a picture of ours carries. @throws `usage.invalid`, `image.unreadable`, `recipe.*` */
export async function recipeIn(path: string): Promise<Recipe> {
  const { readRecipe } = await import('@murnau/images');
  const content = await readFile(path).catch((cause: unknown) => {
    throw new MurnauError('usage.invalid', `--from ${path}: there is no such file`, {
      field: '--from',
      given: path,
      allowed: 'a PNG that murnau has written',
      cause,
    });
  });
  return readRecipe(content, { name: path });
}

/** The request of a recipe, with what was given in place of what it says. */
export function requestAgain(
  { request }: Recipe,
  prompt: string | undefined,
  given: Readonly<Record<string, unknown>>,
): unknown {
  if (prompt !== undefined && request.task === 'fuse') {
    throw new MurnauError(
      'usage.invalid',
      'the picture was fused of several things: it has no prompt to replace',
      {
        field: 'prompt',
        given: prompt,
        allowed: 'no prompt; or murnau fuse with --text and --image',
      },
    );
  }
  return { ...request, ...(prompt !== undefined && { prompt }), ...given };
}

/** Says so when the weights are others than those that drew the picture. */
export async function sayWhatChanged(
  context: Context,
  { model, worker_version }: Recipe,
  chosen: GenerationRequest['model'],
): Promise<void> {
  if (chosen !== model.name) return;
  const served = (await context.client().models()).find(({ name }) => name === model.name);
  if (served === undefined || served.fingerprint === '' || served.fingerprint === model.fingerprint) return;
  context.say(
    `Note: ${model.name} has other weights now than those that drew it (worker ${worker_version}): expect another picture.`,
  );
}
