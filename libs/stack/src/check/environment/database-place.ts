import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { accountName } from '@murnau/environment';
import type { StackPaths } from '../../paths.js';
import { met, refusedWith, unmet, type Requirement } from './requirement.js';

const part = 'database';
/** Above this the database's socket may lie outside the data folder. */
const longPathBytes = 80;

/** Who runs PostgreSQL, and whether that user can reach its folders. */
export async function checkDatabasePlace({ postgres }: StackPaths): Promise<Requirement[]> {
  const isMade = await stat(join(postgres, 'data')).then(
    () => true,
    () => false,
  );
  if (accountName() === undefined && !isMade) {
    return [
      unmet(part, {
        code: 'setup.postgres_user',
        detail: `The user ${process.getuid?.()} has no entry in /etc/passwd, and PostgreSQL makes no database without one`,
        mend: 'give it one, or run murnau as another user',
        given: `user ${process.getuid?.()}`,
        allowed: 'a user of /etc/passwd',
      }),
    ];
  }
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && Buffer.byteLength(postgres) <= longPathBytes) return [];
  const { findPostgresPlace, socketDirOf } = await import('@murnau/store');
  try {
    const { home, owner } = await findPostgresPlace(postgres);
    const socket = await checkSocketDir(socketDirOf(home), home);
    if (socket !== undefined) return [socket];
    return owner === undefined ? [] : [met(part, `runs as ${owner.name}, in ${home}`)];
  } catch (error) {
    return [refusedWith(part, error)];
  }
}

async function checkSocketDir(socketDir: string, home: string): Promise<Requirement | undefined> {
  const above = dirname(socketDir);
  if (above === home) return undefined;
  const refusal = await access(above, constants.W_OK | constants.X_OK).catch(
    (error: NodeJS.ErrnoException) => error.code,
  );
  if (refusal === undefined) return undefined;
  return unmet(part, {
    code: 'setup.home_unusable',
    detail: `The path of the data folder is too long for the database's socket, and ${above} in its place cannot be written (${refusal})`,
    mend: 'choose a shorter path: MURNAU_HOME=/path',
    field: 'MURNAU_HOME',
    given: dirname(home),
    allowed: 'about 80 bytes, or more where /tmp can be written',
  });
}
