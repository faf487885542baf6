import { readdir } from 'node:fs/promises';
import { MurnauError } from '@murnau/domain';
import { readText, writeText } from '@murnau/supervisor';
import type { StackPaths } from './paths.js';

/**
 * Of the data folder: raised when this code cannot go on with what an earlier one stored (rows with another meaning, open
 * workflows whose histories do not replay). Data without a number are of the first edition.
 */
export const edition = 4;

/** In the place of the number while a restore is at work: what is there so far is of no use. */
export const unfinishedRestore = 'a restore that is not finished\n';

export const isUnfinishedRestore = async (paths: StackPaths): Promise<boolean> =>
  (await readText(paths.edition)) === unfinishedRestore;

/**
 * Refuses a data folder of another edition, before anything in it is touched.
 * @throws `setup.data_edition`
 */
export async function checkEdition(paths: StackPaths): Promise<void> {
  if (await isUnfinishedRestore(paths)) throw notRestored(paths);
  const found = await editionOf(paths);
  if (found === undefined || found === edition) return;
  const { home } = paths;
  const which = found > edition ? 'a later' : 'an earlier';
  throw new MurnauError(
    'setup.data_edition',
    `${home} holds data of ${which} edition, which this one does not read: move the folder away to keep it ` +
      `(mv ${home} ${home}-kept), and \`murnau up\` begins anew.`,
    { given: `edition ${found}`, allowed: `edition ${edition}` },
  );
}

function notRestored({ home }: StackPaths): MurnauError {
  return new MurnauError(
    'setup.data_edition',
    `${home} holds a restore that was not finished: do it again, \`murnau admin restore FILE\`, which begins anew.`,
    { given: 'an unfinished restore', allowed: `edition ${edition}` },
  );
}

/** Numbers a new data folder. */
export async function writeEdition(paths: StackPaths): Promise<void> {
  if ((await readText(paths.edition)) === null) await writeText(paths.edition, `${edition}\n`);
}

/** Undefined: there are no data yet. */
async function editionOf({ edition: file, postgres, temporal }: StackPaths): Promise<number | undefined> {
  const text = await readText(file);
  if (text !== null) return Number(text);
  const hasData = (await hasEntries(postgres)) || (await hasEntries(temporal));
  return hasData ? 1 : undefined;
}

const hasEntries = (folder: string): Promise<boolean> =>
  readdir(folder).then(
    (names) => names.length > 0,
    () => false,
  );
