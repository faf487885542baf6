import { type GenerationRequest, inputsOf, MurnauError } from '@murnau/domain';
import { checkMask, ingestMask, probe } from '@murnau/images';
import type { ServerDeps } from '../server-deps.js';

/**
 * Refuses a request whose pictures or mask cannot be drawn from.
 * @returns the request with its mask as the worker reads it, whatever kind of picture was named; and the picture it
 * starts from
 * @throws `blob.not_found`, `image.*`, `mask.*`, each naming the field
 */
export async function checkInputs(
  deps: ServerDeps,
  request: GenerationRequest,
): Promise<{ checked: GenerationRequest; picture: { width: number; height: number } | undefined }> {
  const sizes = new Map<string, { width: number; height: number }>();
  for (const { field, hash } of inputsOf(request)) sizes.set(field, await checkStored(deps, field, hash));
  const picture = sizes.get('image');
  if (request.task !== 'inpaint' || picture === undefined) return { checked: request, picture };
  const mask = await ingestMask(await deps.store.blobs.get(request.mask), { name: 'mask' });
  checkMask(mask, picture, 'mask');
  const { hash } = await deps.store.blobs.put(mask.content, mask.media_type);
  return { checked: { ...request, mask: hash }, picture };
}

async function checkStored(
  { store }: ServerDeps,
  field: string,
  hash: string,
): Promise<{ width: number; height: number }> {
  const found = await store.blobs.describe(hash).catch((cause: unknown) => {
    if (!(cause instanceof MurnauError) || cause.code !== 'blob.not_found') throw cause;
    throw new MurnauError('blob.not_found', `${field}: no file with the hash ${hash} is stored.`, {
      field,
      given: hash,
      allowed: 'the hash that POST /v1/blobs answered',
      cause,
    });
  });
  if (found.media_type.startsWith('image/')) return probe(await store.blobs.get(hash));
  throw new MurnauError('image.unreadable', `${field}: the file ${hash} was not uploaded as a picture.`, {
    field,
    given: found.media_type,
    allowed: 'a picture uploaded with its media type',
  });
}
