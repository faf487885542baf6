import type { Command } from 'commander';
import type { Host } from '../../core/command.js';
import { registerRemoval } from '../../core/removal.js';
import { registerGenerationsLs } from './ls.js';

export function register(generations: Command, host: Host): void {
  registerGenerationsLs(generations, host);
  registerRemoval(generations, host, {
    kind: 'generation',
    summary: 'remove generations that have ended, with their pictures',
  });
}
