import { join } from 'node:path';
import { MurnauError, slug, titleOf } from '@murnau/domain';
import type { Generation } from '@murnau/domain';
import type { Context } from '../core/context.js';

/** Beginning of the names of a generation's files. */
export const fileBase = ({ request, id }: Generation): string => `${slug(titleOf(request))}-${id}`;

interface SavedPictures {
  readonly files: string[];
  readonly contact_sheet: string;
}

/** Writes each picture, recipe and all, and a contact sheet. */
export async function saveGeneration(
  context: Context,
  generation: Generation,
  folder: string,
): Promise<SavedPictures> {
  const { writeFileTo } = await import('../output/files.js');
  const client = context.client();
  const base = fileBase(generation);
  const files: string[] = [];
  for (const { hash, seed } of generation.images) {
    const path = join(folder, `${base}-seed-${seed}.png`);
    await writeFileTo(path, await client.blob(hash));
    files.push(path);
  }
  if (files.length === 0) {
    throw new MurnauError('internal', `generation ${generation.id} ended without pictures`);
  }
  const contactSheet = join(folder, `${base}-sheet.png`);
  await writeFileTo(contactSheet, await client.sheet('generations', generation.id));
  return { files, contact_sheet: contactSheet };
}
