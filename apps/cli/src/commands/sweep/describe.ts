import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { findSweep } from '../../core/find-by-id.js';

export function registerSweepDescribe(parent: Command, host: Host): void {
  const command = leaf(parent, 'describe <id>', 'show a sweep: phase, trials and leaderboard').option(
    '--sheet <file>',
    'write its contact sheet to a PNG file',
  );
  action<{ sheet?: string }>(command, host, async (context, [id = ''], { sheet }) => {
    const client = context.client();
    const sweep = await findSweep(context, id);
    const leaderboard = await client.leaderboard(sweep.id);
    const finalists = sweep.spec.finalists === undefined ? [] : await client.finalists(sweep.id);
    if (sheet !== undefined) {
      const { writeFileTo } = await import('../../output/files.js');
      await writeFileTo(sheet, await client.sheet('sweeps', sweep.id));
      context.say(`Wrote ${sheet}.`);
    }
    const { describeSweep } = await import('../../output/describe-sweep.js');
    context.result({ sweep, ...leaderboard, finalists }, () =>
      describeSweep(context, sweep, leaderboard, finalists),
    );
  });
}
