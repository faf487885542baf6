import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** For tests: enough of a database to be taken for one, which spares a real one on the disk. */
export function pretendDatabase(
  home: string,
  { version = '18', uid = 65_534, gid = 65_534 }: { version?: string; uid?: number; gid?: number } = {},
): void {
  mkdirSync(join(home, 'data/global'), { recursive: true });
  writeFileSync(join(home, 'data/PG_VERSION'), `${version}\n`);
  writeFileSync(join(home, 'data/global/pg_control'), '');
  // Another user's can only be made by root.
  if (process.getuid?.() !== 0) return;
  for (const name of ['data', 'data/global', 'data/PG_VERSION', 'data/global/pg_control']) {
    chownSync(join(home, name), uid, gid);
  }
}
