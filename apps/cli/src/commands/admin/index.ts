import type { Command } from 'commander';
import type { Host } from '../../core/command.js';
import { registerAdminBackup } from './backup.js';
import { registerAdminRestore } from './restore.js';

export function register(admin: Command, host: Host): void {
  registerAdminBackup(admin, host);
  registerAdminRestore(admin, host);
}
