import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';

export function register(command: Command, host: Host): void {
  action(command, host, async (context) => {
    const { stopStack } = await import('@murnau/stack');
    const { home } = context.environment;
    const startedMs = Date.now();
    const stopped = await stopStack({ home });
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
    context.say(
      stopped ? `Stopped after ${seconds} s. Runs go on at the next murnau up.` : 'Nothing was running.',
    );
    context.result({ stopped }, () => {});
  });
}
