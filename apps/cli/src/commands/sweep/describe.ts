import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { findSweep } from '../../core/find-by-id.js';
import { mostShown, withLimit } from '../../core/list.js';
import type { LimitOptions } from '../../core/list.js';

interface Options extends LimitOptions {
  readonly sheet?: string;
}

export function registerSweepDescribe(parent: Command, host: Host): void {
  const command = withLimit(
    leaf(parent, 'describe <id>', 'show a sweep: phase, trials and leaderboard').option(
      '--sheet <file>',
      'write its contact sheet to a PNG file',
    ),
  );
  action<Options>(command, host, async (context, [id = ''], { sheet, ...options }) => {
    const client = context.client();
    const sweep = await findSweep(context, id);
    const leaderboard = await client.leaderboard(sweep.id, { limit: mostShown(options) });
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
    const others = sweep.trials - leaderboard.runs.length;
    if (others > 0)
      context.say(`The best ${leaderboard.runs.length}; ${others} more with --limit N or --all.`);
  });
}
