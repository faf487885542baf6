import { join } from 'node:path';
import { dataFolder, homeFolder, keepLoopbackDirect, settingsFolder } from '@murnau/environment';

/** An empty variable is an absent one. */
const text = (value: string | undefined): string | undefined => (value === '' ? undefined : value);
const number = (value: string | undefined): number | undefined =>
  text(value) !== undefined && Number.isFinite(Number(value)) ? Number(value) : undefined;

/** What is read, and how. By hand: loading zod would take half the time of `murnau --help` and of a completion. */
const variables = {
  /** Data folder of the embedded stack. */
  MURNAU_HOME: text,
  /** Address of another server. */
  MURNAU_SERVER: text,
  MURNAU_TOKEN: text,
  /** Name of an entry of profiles.json. */
  MURNAU_PROFILE: text,
  /** Epoch ms when the person's command started, and the seconds that set-up took of it (`npm start`). */
  MURNAU_COMMAND_STARTED_MS: number,
  MURNAU_SETUP_S: number,
  PATH: text,
  /** The person's shell. */
  SHELL: text,
  NO_COLOR: text,
  FORCE_COLOR: text,
  TERM: text,
} as const;

type Variables = { readonly [Name in keyof typeof variables]: ReturnType<(typeof variables)[Name]> };

const read = (given: NodeJS.ProcessEnv): Variables =>
  Object.fromEntries(Object.entries(variables).map(([name, of]) => [name, of(given[name])])) as Variables;

export interface Environment {
  /** @throws FolderError */
  readonly home: string;
  /** @throws FolderError */
  readonly profilesFile: string;
  readonly server: string | undefined;
  readonly token: string | undefined;
  readonly profile: string | undefined;
  readonly commandStartedMs: number | undefined;
  readonly setupSeconds: number | undefined;
  /** Folders in which a shell looks for a command. */
  readonly searchPath: string;
  readonly shell: string;
  /** Undefined where nothing tells of one. */
  readonly userHome: string | undefined;
  readonly colour: 'always' | 'auto' | 'never';
  /** Whether the terminal understands cursor movements. */
  readonly canRedraw: boolean;
}

export function readEnvironment(environment: NodeJS.ProcessEnv = process.env): Environment {
  keepLoopbackDirect(environment);
  const given = read(environment);
  return {
    // Told when asked for: where there is no home folder, only the commands that need one are refused.
    get home() {
      return dataFolder(environment);
    },
    get profilesFile() {
      return join(settingsFolder(environment), 'murnau', 'profiles.json');
    },
    server: given.MURNAU_SERVER,
    token: given.MURNAU_TOKEN,
    profile: given.MURNAU_PROFILE,
    commandStartedMs: given.MURNAU_COMMAND_STARTED_MS,
    setupSeconds: given.MURNAU_SETUP_S,
    searchPath: given.PATH ?? '',
    shell: given.SHELL ?? '',
    get userHome() {
      try {
        return homeFolder(environment);
      } catch {
        return undefined;
      }
    },
    colour: given.NO_COLOR !== undefined ? 'never' : given.FORCE_COLOR !== undefined ? 'always' : 'auto',
    canRedraw: given.TERM !== 'dumb',
  };
}
