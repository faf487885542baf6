import type { Command } from 'commander';
import { expectedTrials } from '@murnau/domain';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { editLeaf, showEdited } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';
import { wholeNumber } from '../../core/list.js';

interface Options extends EditOptions {
  readonly trials?: number;
  readonly steps?: number;
}

export function registerSweepExtend(parent: Command, host: Host): void {
  const command = editLeaf(
    parent,
    'extend <id>',
    'add trials to the search, or steps to the trials that came to their last one',
  )
    .option('--trials <n>', 'so many trials more', wholeNumber(1))
    .option('--steps <n>', 'so many steps more for each trial that came to its last one', wholeNumber(1));
  action<Options>(command, host, async (context, [id = ''], { trials, steps, why }) => {
    const sweep = await context.client().editSweep(id, 'extend', { trials, steps, why });
    showEdited(
      context,
      sweep,
      trials === undefined ? `trains ${steps} steps more` : `is to have ${expectedTrials(sweep)} trials`,
    );
  });
}
