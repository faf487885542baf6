import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { ApiClient } from '@murnau/api-client';
import { checkDatasetFits, MurnauError } from '@murnau/domain';
import type { Dataset, DatasetNeeds } from '@murnau/domain';
import { badCaptionsOf, factsOf, readPictureFolder, refuseBadCaptions } from './picture-folder.js';
import type { BadPictureRule, PictureFolder, TrainingPicture } from './picture-folder.js';
import { folderName, readPicture } from './pictures.js';

/** What a person may write where a dataset is meant. */
export type DatasetReference =
  { readonly kind: 'id'; readonly id: string } | ({ readonly kind: 'folder' } & PictureFolder);

const uploadsAtOnce = 4;

/**
 * A folder that is there, else an id (or 4 or more digits of its beginning). Checks all that is in a folder.
 * @param base folder that relative paths start from.
 */
export async function resolveDataset(
  text: string,
  base: string,
  onBadPicture: BadPictureRule = 'refuse',
): Promise<DatasetReference> {
  const folder = resolve(base, text.replace(/^~(?=\/|$)/, homedir()));
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  if (!isThere && /^[0-9a-f]{4,8}$/.test(text)) return { kind: 'id', id: text };
  if (!isThere) {
    const shown = folder === text ? text : `${text} (${folder})`;
    throw new MurnauError('dataset.folder_missing', `${shown}: there is no such folder`, {
      field: 'dataset',
      given: text,
      allowed: 'a folder of pictures, or a dataset id of 8 hexadecimal digits',
    });
  }
  return { kind: 'folder', ...(await readPictureFolder(folder, onBadPicture)) };
}

/** Refuses a folder that lacks what its runs read; the server looks at what an id names. */
export function checkReference(reference: DatasetReference, needs: DatasetNeeds): void {
  if (reference.kind !== 'folder') return;
  if (needs.captions) refuseBadCaptions(reference);
  checkDatasetFits(needs, factsOf(reference), 'dataset');
}

/** What a person should know of a folder before its run: what was left out, and that one picture is few. */
export function remarksOn(reference: DatasetReference): string[] {
  if (reference.kind === 'id') return [];
  const { pictures, skipped } = reference;
  const one =
    pictures.length === 1
      ? ['One picture only: the word will learn its background too; 3 to 5 are better.']
      : [];
  return [
    ...skipped.map((message) => `Left out: ${message}`),
    ...badCaptionsOf(reference).map(({ message }) => `Caption left out: ${message}`),
    ...one,
  ];
}

interface Uploaded {
  readonly dataset: Dataset;
  /** Pictures that the server did not have. */
  readonly sent: number;
}

/** Uploads what the server lacks; an id is looked up. */
export async function ensureDataset(
  client: ApiClient,
  reference: DatasetReference,
  name?: string,
): Promise<Uploaded> {
  if (reference.kind === 'id') return { dataset: await client.dataset(reference.id), sent: 0 };
  const { pictures, folder } = reference;
  const stored: Stored[] = [];
  for (let start = 0; start < pictures.length; start += uploadsAtOnce) {
    const batch = pictures.slice(start, start + uploadsAtOnce);
    stored.push(...(await Promise.all(batch.map((picture) => send(client, picture)))));
  }
  const seen = new Set<string>();
  const images = stored.flatMap(({ image }) => {
    if (seen.has(image.hash)) return [];
    seen.add(image.hash);
    return [image];
  });
  const dataset = await client.createDataset({ name: name ?? folderName(folder), images });
  return { dataset, sent: stored.filter(({ sent }) => sent).length };
}

interface Stored {
  readonly image: { hash: string; name: string; mask_hash?: string; caption?: string };
  readonly sent: boolean;
}

async function send(client: ApiClient, picture: TrainingPicture): Promise<Stored> {
  const { name, mediaType, mask, caption } = picture;
  const { hash, sent } = await client.ensureBlob(await readPicture(picture), mediaType, name, 'training');
  const beside = {
    ...(mask === null
      ? {}
      : {
          mask_hash: (
            await client.ensureBlob(await readPicture(mask), mask.mediaType, mask.name, 'loss_mask')
          ).hash,
        }),
    ...(caption === null ? {} : { caption }),
  };
  return { image: { hash, name, ...beside }, sent };
}
