import { ApiClient } from '@murnau/api-client';
import type { Environment } from '../env.js';
import { findConnection } from './connection.js';
import type { Spell } from './command-name.js';
import type { Connection } from './connection.js';
import type { Io } from './io.js';

/** Options of every command. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly profile?: string;
}

/** What a command has to work with. */
export interface Context {
  readonly io: Io;
  readonly environment: Environment;
  readonly isJson: boolean;
  /** True: never ask. */
  readonly isYes: boolean;
  readonly connection: () => Connection;
  readonly client: () => ApiClient;
  /** Writes the command's result: one JSON document with `--json`, else what `print` writes. */
  readonly result: (document: unknown, print: () => void) => void;
  /** One line for a person, its commands spelled as they work here. */
  readonly say: (text: string) => void;
  /** For what a person reads on stdout. */
  readonly spell: Spell;
}

/** A supervised api restarts within a second; a moment more for a slow machine. */
const supervisedPatienceMs = 10_000;

export function createContext(
  io: Io,
  environment: Environment,
  options: CommonOptions,
  spell: Spell,
): Context {
  let connection: Connection | undefined;
  let client: ApiClient | undefined;
  const connect = (): Connection => (connection ??= findConnection(environment, options.profile));
  const say = (text: string): void => io.err.line(spell(text));
  return {
    io,
    environment,
    isJson: options.json === true,
    isYes: options.yes === true,
    connection: connect,
    client: () => {
      const { server, token, isSupervised } = connect();
      client ??= new ApiClient({
        server,
        token,
        firstPatienceMs: isSupervised ? supervisedPatienceMs : 0,
        onWaiting: ({ message }) => say(io.err.colours.yellow(`Waiting: ${message}.`)),
      });
      return client;
    },
    result: (document, print) => {
      if (options.json === true) io.out.line(JSON.stringify(document));
      else print();
    },
    say,
    spell,
  };
}
