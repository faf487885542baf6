import { createHash } from 'node:crypto';

/** Tells the installation of a data folder from others, and says nothing of the folder. */
export const installationOf = (home: string): string =>
  createHash('sha256').update(home).digest('hex').slice(0, 16);

/**
 * The name by which a part of this data folder says that it serves. Two stacks that start at once may claim the same port,
 * and any program may listen there: what answers must not be taken for ours.
 */
export const healthNameOf = (home: string, part: string): string => `${installationOf(home)}/${part}`;
