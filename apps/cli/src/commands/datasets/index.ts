import type { Command } from 'commander';
import type { Host } from '../../core/command.js';
import { registerDatasetsAdd } from './add.js';
import { registerDatasetsLs } from './ls.js';
import { registerDatasetsShow } from './show.js';

export function register(datasets: Command, host: Host): void {
  registerDatasetsAdd(datasets, host);
  registerDatasetsLs(datasets, host);
  registerDatasetsShow(datasets, host);
}
