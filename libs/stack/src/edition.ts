import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MurnauError } from '@murnau/domain';
import { readText, writeText } from './files.js';
import type { StackPaths } from './paths.js';

/**
 * Of the data folder: raised when this code cannot go on with what an earlier one stored (rows with another meaning, open
 * workflows whose histories do not replay). A folder without a number is of the first edition.
 */
export const edition = 2;

/**
 * Numbers a new data folder, and refuses one of another edition. Nothing in it is touched.
 * @throws `setup.data_edition`
 */
export async function checkEdition({ home, postgres, temporal }: StackPaths): Promise<void> {
  const file = join(home, 'edition');
  const text = await readText(file);
  const found = text === null ? undefined : Number(text);
  if (found === edition) return;
  const isNew = found === undefined && !existsSync(postgres) && !existsSync(temporal);
  if (isNew) return writeText(file, `${edition}\n`);
  const which = found !== undefined && found > edition ? 'a later' : 'an earlier';
  throw new MurnauError(
    'setup.data_edition',
    `${home} holds data of ${which} edition, which this one does not read: move the folder away to keep it ` +
      `(mv ${home} ${home}-kept), and \`murnau up\` begins anew.`,
    { given: `edition ${found ?? 1}`, allowed: `edition ${edition}` },
  );
}
