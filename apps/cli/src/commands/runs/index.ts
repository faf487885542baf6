import type { Command } from 'commander';
import type { Host } from '../../core/command.js';
import { registerRemoval } from '../../core/removal.js';
import { registerRunsCancel } from './cancel.js';
import { registerRunsCompare } from './compare.js';
import { registerRunsFork } from './fork.js';
import { registerRunsLogs } from './logs.js';
import { registerRunsLs } from './ls.js';
import { registerRunsPause } from './pause.js';
import { registerRunsResume } from './resume.js';
import { registerRunsShow } from './show.js';
import { registerRunsStop } from './stop.js';
import { registerRunsWatch } from './watch.js';

export function register(runs: Command, host: Host): void {
  registerRunsLs(runs, host);
  registerRunsShow(runs, host);
  registerRunsWatch(runs, host);
  registerRunsPause(runs, host);
  registerRunsResume(runs, host);
  registerRunsStop(runs, host);
  registerRunsLogs(runs, host);
  registerRunsCompare(runs, host);
  registerRunsFork(runs, host);
  registerRunsCancel(runs, host);
  registerRemoval(runs, host, {
    kind: 'run',
    summary: 'remove runs that have ended, with all they have stored but their embeddings',
  });
}
