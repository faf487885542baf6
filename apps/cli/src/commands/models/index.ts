import type { Command } from 'commander';
import type { Host } from '../../core/command.js';
import { registerModelsAdd } from './add.js';
import { registerModelsConvert } from './convert.js';
import { registerModelsLs } from './ls.js';
import { registerModelsRm } from './rm.js';

export function register(models: Command, host: Host): void {
  registerModelsLs(models, host);
  registerModelsAdd(models, host);
  registerModelsRm(models, host);
  registerModelsConvert(models, host);
}
