import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { ApiClient } from '@murnau/api-client';
import { MurnauError } from '@murnau/domain';
import type { Dataset } from '@murnau/domain';
import { folderName, picturesOf, readPicture } from './pictures.js';
import type { Picture } from './pictures.js';

/** What a person may write where a dataset is meant. */
export type DatasetReference =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'folder'; readonly folder: string; readonly pictures: readonly Picture[] };

const uploadsAtOnce = 4;

/**
 * A folder that is there, else an id (or 4 or more digits of its beginning). Checks a folder's pictures.
 * @param base folder that relative paths start from.
 */
export async function resolveDataset(text: string, base: string): Promise<DatasetReference> {
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
  return { kind: 'folder', folder, pictures: await picturesOf(folder) };
}

export interface Uploaded {
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
  const stored: { hash: string; sent: boolean }[] = [];
  for (let start = 0; start < pictures.length; start += uploadsAtOnce) {
    const batch = pictures.slice(start, start + uploadsAtOnce);
    stored.push(
      ...(await Promise.all(
        batch.map(async (picture) =>
          client.ensureBlob(await readPicture(picture), picture.mediaType, picture.name),
        ),
      )),
    );
  }
  const seen = new Set<string>();
  const images = pictures.flatMap(({ name: pictureName }, index) => {
    const hash = stored[index]?.hash ?? '';
    if (seen.has(hash)) return [];
    seen.add(hash);
    return [{ hash, name: pictureName }];
  });
  const dataset = await client.createDataset({ name: name ?? folderName(folder), images });
  return { dataset, sent: stored.filter(({ sent }) => sent).length };
}
