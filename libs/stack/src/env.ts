import { accountName, dataFolder, loopbackExceptions } from '@murnau/environment';

/** Data of the embedded stack: `$MURNAU_HOME`, by default `~/.local/share/murnau`. */
export const defaultHome = (): string => dataFolder(process.env);

/**
 * What a part must not inherit: what the caller set for other programs, and what would change a part beside what it is
 * told. The names of the last line are those that the apps read: a shell may have them for a program of its own. A limit
 * of the installation has a name of its own, and reaches every part.
 */
const notInherited = [
  /^(npm_|NODE_|VITEST|NX_|INIT_CWD$)/,
  /^(PYTHON|VIRTUAL_ENV$)/,
  /^(MURNAU_(?!LIMIT_)|TEMPORAL_|PG[A-Z]+$)/,
  /^(DATABASE_URL|BLOB_DIR|ADVISOR_ADDRESS|GALLERY_URL|LOG_LEVEL|WORKERS|WORKER_ADDRESS|WORKER_NAME|API_[A-Z_]+)$/,
];

/** Environment that every part starts from. */
export function inheritedEnv(given: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const kept = Object.entries(given).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !notInherited.some((pattern) => pattern.test(entry[0])),
  );
  return { ...Object.fromEntries(kept), ...loopbackExceptions(given) };
}

/**
 * Of the supervisor, and so of everything it starts. Temporal's server asks for a user and a home, which not every
 * container has; temporary files are kept where nobody tidies up and where there is room.
 */
export function supervisorEnv(
  { home, temporary }: { home: string; temporary: string },
  given: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const inherited = inheritedEnv(given);
  return {
    ...inherited,
    USER: inherited['USER'] || accountName() || 'murnau',
    HOME: inherited['HOME'] || home,
    TMPDIR: temporary,
  };
}

/** Of the parts in Python: text is UTF-8 in every locale, and each line of a log is there at once. */
export const pythonEnv = { PYTHONUTF8: '1', PYTHONUNBUFFERED: '1' } as const;

/** Of a proxy, for `murnau doctor`: each variable that is set, without what it holds of a password. */
export function proxySettings(given: NodeJS.ProcessEnv = process.env): string[] {
  return Object.entries(given)
    .filter(([name, value]) => /^((https?|all|grpc)_proxy|NODE_USE_ENV_PROXY)$/i.test(name) && value)
    .map(([name, value]) => `${name}=${String(value).replace(/\/\/[^@/]*@/, '//…@')}`);
}
