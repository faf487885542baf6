import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { editLeaf, showEdited } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';

interface Options extends EditOptions {
  readonly placeholder: string;
  readonly initializer: string;
  readonly dataset?: string;
}

export function registerSweepAddPair(parent: Command, host: Host): void {
  const command = editLeaf(parent, 'add-pair <id>', 'add a pair of words to the search')
    .requiredOption('--placeholder <word>', 'the new word')
    .requiredOption('--initializer <word>', 'the known word it begins from')
    .option('--dataset <id>', "a dataset of its own (default: the sweep's)");
  action<Options>(command, host, async (context, [id = ''], { placeholder, initializer, dataset, why }) => {
    const sweep = await context.client().editSweep(id, 'pairs', { placeholder, initializer, dataset, why });
    showEdited(context, sweep, `has ${sweep.trials} trials, with ${placeholder} from ${initializer}`);
  });
}
