import { Option } from 'commander';
import { failOn } from '../../core/exit-codes.js';

export const failOnOption = (): Option =>
  new Option('--fail-on <rule>', 'exit with 100 if any trial failed, or only if all did')
    .choices(failOn)
    .default('any');
