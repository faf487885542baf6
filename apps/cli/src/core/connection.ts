import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MurnauError, nearest, parse } from '@murnau/domain';
import { z } from 'zod';
import type { Environment } from '../env.js';

/** Where the server is and how it knows us. */
export interface Connection {
  readonly server: string;
  readonly token: string | undefined;
  /** Embedded: its supervisor is alive, so an api that does not answer will soon be back. */
  readonly isSupervised: boolean;
  readonly source: 'profile' | 'environment' | 'embedded';
}

const stackFileSchema = z.object({
  api_url: z.string(),
  token: z.string(),
  supervisor: z.object({ pid: z.int() }).optional(),
});
const profilesSchema = z.record(
  z.string(),
  z.strictObject({ server: z.string(), token: z.string().optional() }),
);

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw new MurnauError('usage.invalid', `${file} cannot be read: ${reason}`, { cause: error });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** With the path under which the server lies, if there is one; no trailing slash. */
function checkedAddress(server: string, field: string): string {
  if (/^https?:\/\/[^/]/.test(server) && URL.canParse(server)) {
    const { origin, pathname, search, hash, username, password } = new URL(server);
    if (search + hash + username + password === '') return origin + pathname.replace(/\/+$/, '');
  }
  throw new MurnauError('usage.invalid', `${field} is not an address: ${server}`, {
    field,
    given: server,
    allowed: 'http://HOST:PORT or https://HOST, with the path under which it lies',
  });
}

const isSameOrigin = (one: string, other: string): boolean =>
  URL.canParse(other) && new URL(one).origin === new URL(other).origin;

function fromProfile(name: string, environment: Environment): Connection {
  const file = environment.profilesFile;
  const profiles = parse(profilesSchema, readJson(file) ?? {}, file);
  const profile = profiles[name];
  if (profile === undefined) {
    const known = Object.keys(profiles);
    const near = nearest(name, known);
    throw new MurnauError(
      'usage.invalid',
      `no profile "${name}" in ${file}${near === undefined ? '' : `; did you mean "${near}"?`}`,
      {
        field: '--profile',
        given: name,
        allowed:
          known.length > 0
            ? known.join(', ')
            : `entries of that file: {"${name}": {"server": "https://HOST", "token": "…"}}`,
      },
    );
  }
  return {
    server: checkedAddress(profile.server, `profile "${name}"`),
    // Beside MURNAU_SERVER the variable is that server's token.
    token: profile.token ?? (environment.server === undefined ? environment.token : undefined),
    isSupervised: false,
    source: 'profile',
  };
}

/**
 * Finds the server: `--profile`, then MURNAU_SERVER, then MURNAU_PROFILE, then this machine's embedded stack.
 * @throws MurnauError `server.unreachable` when there is none.
 */
export function findConnection(environment: Environment, profile: string | undefined): Connection {
  if (profile !== undefined) return fromProfile(profile, environment);
  if (environment.server !== undefined) {
    const server = checkedAddress(environment.server, 'MURNAU_SERVER');
    return {
      server,
      token: environment.token ?? embeddedToken(environment, server),
      isSupervised: false,
      source: 'environment',
    };
  }
  if (environment.profile !== undefined) return fromProfile(environment.profile, environment);
  const stack = embedded(environment);
  if (stack === undefined) {
    throw new MurnauError('server.unreachable', `no server runs here${whyNone(environment.home)}`);
  }
  return {
    server: stack.api_url,
    token: environment.token ?? stack.token,
    isSupervised: stack.supervisor !== undefined && isAlive(stack.supervisor.pid),
    source: 'embedded',
  };
}

/** What is in the data folder of a stack that does not run. */
function whyNone(home: string): string {
  try {
    if (readdirSync(home).length > 0) return `: it was stopped; the data are in ${home}`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') return `: ${home} cannot be read: ${message}`;
  }
  return ` (nothing in ${home})`;
}

const hasHome = (environment: Environment): boolean => {
  try {
    return environment.home !== '';
  } catch {
    return false;
  }
};

/** This install's token is for its own server only; where there is no data folder, there is none. */
function embeddedToken(environment: Environment, server: string): string | undefined {
  const stack = hasHome(environment) ? embedded(environment) : undefined;
  return stack !== undefined && isSameOrigin(server, stack.api_url) ? stack.token : undefined;
}

function embedded(environment: Environment): z.output<typeof stackFileSchema> | undefined {
  const file = join(environment.home, 'stack.json');
  const json = readJson(file);
  return json === undefined ? undefined : parse(stackFileSchema, json, file);
}
