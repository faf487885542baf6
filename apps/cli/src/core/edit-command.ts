import type { Command } from 'commander';
import type { Sweep } from '@murnau/domain';
import { leaf } from './command.js';
import type { Example } from './command.js';
import type { Context } from './context.js';

export interface EditOptions {
  readonly why: string;
}

/** A command that changes what lives: with the reason, for those who wonder later. */
export function editLeaf(
  parent: Command,
  nameAndArguments: string,
  summary: string,
  examples: readonly Example[] = [],
): Command {
  return leaf(parent, nameAndArguments, summary, examples).option(
    '--why <text>',
    'reason, shown among the decisions',
    '',
  );
}

export function showEdited(context: Context, sweep: Sweep, what: string): void {
  context.say(`Sweep ${sweep.name} ${sweep.id} ${what}.`);
  context.result(sweep, () => {});
}
