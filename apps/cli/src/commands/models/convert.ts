import { resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { type ModelDtype, modelDtypes } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { exitCodes } from '../../core/exit-codes.js';
import { catchInterrupt } from '../../core/interrupt.js';
import { compact } from '../../output/format.js';

interface Options {
  readonly dtype?: ModelDtype;
}

/** `part unet, done 1, of 3`. */
const progressLine = (progress: Readonly<Record<string, unknown>>): string =>
  Object.entries(progress)
    .map(([name, value]) => `${name} ${compact(value)}`)
    .join(', ');

export function registerModelsConvert(parent: Command, host: Host): void {
  const command = leaf(
    parent,
    'convert <folder> <target>',
    "write a model anew in diffusers' layout, which is mapped into memory instead of read",
    [
      {
        command: 'murnau models convert ~/kandinsky2 ~/kandinsky2-fp16 --dtype float16',
        does: 'then register the new folder: murnau models add',
      },
    ],
  ).addOption(new Option('--dtype <type>', "what to write (default: the files' own)").choices(modelDtypes));
  action<Options>(command, host, async (context, [folder = '', target = ''], { dtype }) => {
    const { convertModel } = await import('@murnau/stack');
    const [source, made] = [resolve(folder), resolve(target)];
    const interrupt = catchInterrupt();
    try {
      await convertModel({
        source,
        target: made,
        dtype,
        signal: interrupt.signal,
        onProgress: (progress) => {
          if (context.isJson) context.io.out.line(JSON.stringify({ kind: 'progress', ...progress }));
          else context.say(progressLine(progress));
        },
      });
    } catch (error) {
      if (!interrupt.signal.aborted) throw error;
      context.say(`Interrupted: ${made} is not complete.`);
      return exitCodes.interrupted;
    } finally {
      interrupt.release();
    }
    context.result({ kind: 'result', source, target: made, dtype: dtype ?? null }, () =>
      context.io.out.line(made),
    );
    context.say(`Converted. Register it: murnau models add NAME ${target}`);
    return exitCodes.done;
  });
}
