import { join } from 'node:path';
import { dataFolder, keepLoopbackDirect, settingsFolder } from '@murnau/environment';
import { z } from 'zod';

/** An empty variable is an absent one. */
const text = z
  .string()
  .optional()
  .transform((value) => (value === '' ? undefined : value));
const number = z.coerce.number().optional().catch(undefined);

const environmentSchema = z.object({
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
  NO_COLOR: text,
  FORCE_COLOR: text,
  TERM: text,
});

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
  readonly colour: 'always' | 'auto' | 'never';
  /** Whether the terminal understands cursor movements. */
  readonly canRedraw: boolean;
}

export function readEnvironment(variables: NodeJS.ProcessEnv = process.env): Environment {
  keepLoopbackDirect(variables);
  const given = environmentSchema.parse(variables);
  return {
    // Told when asked for: where there is no home folder, only the commands that need one are refused.
    get home() {
      return dataFolder(variables);
    },
    get profilesFile() {
      return join(settingsFolder(variables), 'murnau', 'profiles.json');
    },
    server: given.MURNAU_SERVER,
    token: given.MURNAU_TOKEN,
    profile: given.MURNAU_PROFILE,
    commandStartedMs: given.MURNAU_COMMAND_STARTED_MS,
    setupSeconds: given.MURNAU_SETUP_S,
    colour: given.NO_COLOR !== undefined ? 'never' : given.FORCE_COLOR !== undefined ? 'always' : 'auto',
    canRedraw: given.TERM !== 'dumb',
  };
}
