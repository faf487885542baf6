import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { MurnauError, nearest } from '@murnau/domain';
import type { ServedModel } from '@murnau/stack';
import { action, addExamples } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { collected, wholeNumber } from '../../core/list.js';
import { flagOf, propertyOf } from '../../spec/training-flags.js';
import { bringUp } from '../../stack/bring-up.js';
import { printAddresses } from '../../stack/addresses.js';

interface Options {
  readonly model?: string[];
  readonly workers?: number;
  readonly threads?: number;
  readonly simulate?: boolean;
  readonly simulateStepMs?: number;
  readonly slots?: number;
  readonly apiPort?: number;
  readonly temporalPort?: number;
  readonly temporalUiPort?: number;
  readonly advisorPort?: number;
  readonly workerPort?: number;
  readonly allowHost?: string[];
}

export function register(command: Command, host: Host): void {
  addExamples(command, [
    { command: 'murnau up', does: 'one worker with every model of models/ and every registered one' },
    { command: 'murnau up --workers 2 --api-port 9000', does: 'two workers; the api on port 9000' },
  ]);
  command
    .option(
      '--model <name>',
      'model to serve, or NAME=FOLDER; may be repeated (default: all of models/ and all registered)',
      collected,
    )
    .option('--workers <n>', 'worker processes (default: 1)', wholeNumber(0))
    .option(
      '--threads <n>',
      "CPU threads of each worker (default: the machine's, shared out)",
      wholeNumber(1),
    )
    .option('--slots <n>', 'training streams that each worker takes at once (default: 4)', wholeNumber(1))
    .option('--simulate', 'workers without a model, to try everything around them')
    .option('--simulate-step-ms <n>', 'how long a simulated step lasts (default: 20)', wholeNumber(0))
    .option(
      '--api-port <n>',
      'port of the HTTP API and the gallery (default: 7800 or the next free)',
      wholeNumber(1),
    )
    .option('--temporal-port <n>', 'port of Temporal (default: 7833 or the next free)', wholeNumber(1))
    .option(
      '--temporal-ui-port <n>',
      "port of Temporal's UI (default: 7834 or the next free)",
      wholeNumber(1),
    )
    .option('--advisor-port <n>', 'port of the advisor (default: 7835 or the next free)', wholeNumber(1))
    .option('--worker-port <n>', 'port of the first worker (default: 7840 or the next free)', wholeNumber(1))
    .option(
      '--allow-host <name>',
      'name by which a tunnel or proxy of yours reaches the api; may be repeated (default: loopback only)',
      hostName,
    );
  action<Options>(command, host, async (context, _, options) => {
    const { knownModels, stackPaths } = await import('@murnau/stack');
    const models =
      options.model === undefined
        ? undefined
        : chooseModels(options.model, await knownModels(stackPaths(context.environment.home)));
    const bringing = bringUp(context, {
      models,
      workers: options.workers,
      threads: options.threads,
      simulate: options.simulate,
      simulateStepMs: options.simulateStepMs,
      slots: options.slots,
      apiPort: options.apiPort,
      temporalPort: options.temporalPort,
      temporalUiPort: options.temporalUiPort,
      advisorPort: options.advisorPort,
      workerPort: options.workerPort,
      allowedHosts: options.allowHost,
    });
    const { stack, seconds } = await bringing.catch((error: unknown) => {
      throw withPortFlag(error, options);
    });
    context.say(`Everything answers after ${seconds.toFixed(1)} s. Stop it: murnau down`);
    await printAddresses(context, stack);
  });
}

/** A name and nothing else, for commander: no port, and no pattern, for whoever holds a name could then be any of many. */
function hostName(text: string, previous: string[] | undefined): string[] {
  const name = text.toLowerCase();
  if (!/^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?$/.test(name)) {
    throw new InvalidArgumentError('It must be the name of a host, such as x-7800.app.github.dev.');
  }
  return collected(name, previous);
}

/** An error about a port that a flag has asked for names the flag. */
function withPortFlag(error: unknown, options: Readonly<Options>): unknown {
  const listener =
    error instanceof MurnauError ? /^ports\.([a-z_]+)/.exec(error.field ?? '')?.[1] : undefined;
  if (!(error instanceof MurnauError) || listener === undefined) return error;
  const name = `${listener}_port`;
  if (options[propertyOf(name) as keyof Options] === undefined) return error;
  const { code, message, given, allowed } = error;
  const flag = flagOf(name);
  return new MurnauError(code, `${flag}: ${message}`, { field: flag, given, allowed, cause: error });
}

/** `NAME` of a shipped or registered model, or `NAME=FOLDER`. */
export function chooseModels(given: readonly string[], known: readonly ServedModel[]): ServedModel[] {
  return given.map((text) => {
    const equals = text.indexOf('=');
    if (equals > 0) return { name: text.slice(0, equals), dir: resolve(text.slice(equals + 1)) };
    const found = known.find(({ name }) => name === text);
    if (found !== undefined) return found;
    const names = known.map(({ name }) => name);
    const near = nearest(text, names);
    throw new MurnauError(
      'usage.invalid',
      `--model ${text}: no such model${near === undefined ? '' : `; did you mean "${near}"?`}`,
      { field: '--model', given: text, allowed: [...names, 'NAME=FOLDER'].join(', ') },
    );
  });
}
