import { main } from '../cli.js';
import { createOutput } from '../core/io.js';
import { readEnvironment } from '../env.js';
import type { CommandResult } from './run-command.js';

/** Runs a command in this process, streams caught: what `runCommand` does without Node's start. */
export async function runHere(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const startedMs = performance.now();
  const environment = readEnvironment({
    MURNAU_HOME: '/nonexistent',
    XDG_CONFIG_HOME: '/nonexistent',
    ...env,
  });
  const written = { stdout: '', stderr: '' };
  const catching = (name: 'stdout' | 'stderr') =>
    createOutput(
      {
        write: (text: string | Uint8Array) => {
          written[name] += String(text);
          return true;
        },
      },
      environment,
    );
  const exitCode = await main(args, { out: catching('stdout'), err: catching('stderr') }, environment);
  return { exitCode, ...written, elapsedMs: performance.now() - startedMs };
}
