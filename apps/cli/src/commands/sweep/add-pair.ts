import type { Command } from 'commander';
import { expectedTrials } from '@murnau/domain';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { editLeaf, showEdited } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';
import { addInitializerFlags, initializersGiven } from '../../spec/initializer-flags.js';

interface Options extends EditOptions {
  readonly placeholder: string;
  readonly initializer: string;
  readonly initializerEmbedding?: string;
  readonly dataset?: string;
}

export function registerSweepAddPair(parent: Command, host: Host): void {
  const command = editLeaf(parent, 'add-pair <id>', 'add a pair of words to the search')
    .requiredOption('--placeholder <word>', 'the new word')
    .requiredOption('--initializer <word>', 'the known word it begins from');
  addInitializerFlags(command)
    .option('--initializer-embedding <id>', 'start from this learnt embedding instead of words')
    .option('--dataset <id>', "a dataset of its own (default: the sweep's)");
  action<Options>(command, host, async (context, [id = ''], options) => {
    const { placeholder, initializer, dataset, why } = options;
    const own = {
      ...initializersGiven(options),
      initializer_embedding: options.initializerEmbedding,
    };
    const pair = { placeholder, initializer, ...own, dataset };
    const sweep = await context.client().editSweep(id, 'pairs', { ...pair, why });
    showEdited(
      context,
      sweep,
      `is to have ${expectedTrials(sweep)} trials, with ${placeholder} from ${initializer}`,
    );
  });
}
