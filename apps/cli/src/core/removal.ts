import type { Command } from 'commander';
import type { RemovableKind, Removal } from '@murnau/domain';
import { plural } from '../output/format.js';
import { action, leaf } from './command.js';
import type { Example, Host } from './command.js';
import { confirmForGood } from './confirm.js';
import type { Context } from './context.js';
import { exitCodes } from './exit-codes.js';

interface Options {
  readonly withDependants?: boolean;
  readonly dryRun?: boolean;
}

/** The verb `rm` of a noun: says what goes, asks, and removes. */
export function registerRemoval(
  parent: Command,
  host: Host,
  { kind, summary, examples }: { kind: RemovableKind; summary: string; examples?: readonly Example[] },
): void {
  const command = leaf(parent, 'rm <id...>', summary, examples).option('--dry-run', 'only say what would go');
  if (kind === 'dataset' || kind === 'embedding') {
    command.option('--with-dependants', 'remove what uses it as well');
  }
  action<Options>(command, host, async (context, given, { withDependants = false, dryRun = false }) => {
    const ids = [...new Set(given)];
    const client = context.client();
    const options = { dependants: withDependants };
    const planned: Removal[] = [];
    // All of them before the first goes: what cannot be removed stops the whole command.
    for (const id of ids) planned.push(await client.remove(kind, id, { ...options, dryRun: true }));
    for (const removal of planned) for (const line of removalLines(removal)) context.say(line);
    if (dryRun) return show(context, planned);
    const question = `Remove ${plural(planned.length, kind)} for good?`;
    if (!(await confirmForGood(context, question))) {
      context.say('Nothing was removed.');
      return exitCodes.interrupted;
    }
    const removed: Removal[] = [];
    for (const id of ids) {
      removed.push(await client.remove(kind, id, options));
      if (!context.isJson) context.io.out.line(id);
    }
    if (context.isJson) show(context, removed);
    context.say('Removed. Files that nothing else uses are collected later.');
    return exitCodes.done;
  });
}

function show(context: Context, removals: readonly Removal[]): void {
  context.result(removals, () => {
    for (const { id } of removals) context.io.out.line(id);
  });
}

function removalLines({ kind, id, name, trials, dependants, dependant_count }: Removal): string[] {
  const withTrials = trials > 0 ? `, with ${plural(trials, 'trial')}` : '';
  const more = dependant_count - dependants.length;
  return [
    `${kind} ${id} (${name})${withTrials}`,
    ...dependants.map((one) => `  and ${one.kind} ${one.id} (${one.name})`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}
