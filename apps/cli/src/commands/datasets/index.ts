import type { Command } from 'commander';
import type { Host } from '../../core/command.js';
import { registerRemoval } from '../../core/removal.js';
import { registerDatasetsAdd } from './add.js';
import { registerDatasetsLs } from './ls.js';
import { registerDatasetsShow } from './show.js';

export function register(datasets: Command, host: Host): void {
  registerDatasetsAdd(datasets, host);
  registerDatasetsLs(datasets, host);
  registerDatasetsShow(datasets, host);
  registerRemoval(datasets, host, {
    kind: 'dataset',
    summary: 'remove datasets; their pictures go when nothing else uses them',
    examples: [
      {
        command: 'murnau datasets rm 5f0c11aa --with-dependants --dry-run',
        does: 'lists the runs and sweeps that learn from it',
      },
    ],
  });
}
