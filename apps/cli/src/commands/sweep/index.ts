import type { Command } from 'commander';
import type { Host } from '../../core/command.js';
import { registerRemoval } from '../../core/removal.js';
import { registerSweepAddPair } from './add-pair.js';
import { registerSweepCancel } from './cancel.js';
import { registerSweepCreate } from './create.js';
import { registerSweepDecisions } from './decisions.js';
import { registerSweepDescribe } from './describe.js';
import { registerSweepDropTrial } from './drop-trial.js';
import { registerSweepExport } from './export.js';
import { registerSweepExtend } from './extend.js';
import { registerSweepLs } from './ls.js';
import { registerSweepPause } from './pause.js';
import { registerSweepPick } from './pick.js';
import { registerSweepResume } from './resume.js';
import { registerSweepRetry } from './retry.js';
import { registerSweepSetConcurrency } from './set-concurrency.js';
import { registerSweepStop } from './stop.js';
import { registerSweepWatch } from './watch.js';

export function register(sweep: Command, host: Host): void {
  registerSweepCreate(sweep, host);
  registerSweepLs(sweep, host);
  registerSweepWatch(sweep, host);
  registerSweepDescribe(sweep, host);
  registerSweepDecisions(sweep, host);
  registerSweepPause(sweep, host);
  registerSweepResume(sweep, host);
  registerSweepStop(sweep, host);
  registerSweepSetConcurrency(sweep, host);
  registerSweepDropTrial(sweep, host);
  registerSweepRetry(sweep, host);
  registerSweepPick(sweep, host);
  registerSweepExtend(sweep, host);
  registerSweepAddPair(sweep, host);
  registerSweepExport(sweep, host);
  registerSweepCancel(sweep, host);
  registerRemoval(sweep, host, {
    kind: 'sweep',
    summary: 'remove sweeps that have ended, with their trials; the embeddings stay',
  });
}
