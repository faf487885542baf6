import type { Command } from 'commander';
import type { Worker } from '@murnau/domain';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { ago, bytes } from '../../output/format.js';
import { tableLines } from '../../output/table.js';

export function register(command: Command, host: Host): void {
  command.option('--lift <name>', 'first let a quarantined worker work again');
  action<{ lift?: string }>(command, host, async (context, _, { lift }) => {
    if (lift !== undefined) {
      await context.client().liftWorker(lift);
      context.say(`Worker ${lift} gets work again within about two seconds.`);
    }
    const workers = await context.client().workers();
    const { out } = context.io;
    const now = Date.now();
    const state = (worker: Worker): string =>
      worker.state === 'online'
        ? out.colours.green(worker.state)
        : out.colours.red(`${worker.state}${worker.reason === null ? '' : `: ${worker.reason}`}`);
    context.result(workers, () => {
      if (workers.length === 0) return context.say('No worker has reported yet. Look at: murnau doctor');
      const columns = [
        { title: 'worker', cell: ({ name }: Worker) => name },
        { title: 'state', cell: state },
        {
          title: 'device',
          cell: ({ device }: Worker) =>
            `${device.name === '' ? device.kind : device.name}, ${device.threads} threads`,
        },
        {
          title: 'memory',
          align: 'right' as const,
          cell: ({ device }: Worker) => `${bytes(device.memory_used_bytes)} of ${bytes(device.memory_bytes)}`,
        },
        {
          title: 'models (* loaded)',
          cell: ({ models }: Worker) =>
            models.map(({ name, loaded }) => `${name}${loaded ? '*' : ''}`).join(', '),
        },
        {
          title: 'runs',
          align: 'right' as const,
          cell: ({ running, slots }: Worker) => `${running}/${slots}`,
        },
        {
          title: 'steps/s',
          align: 'right' as const,
          cell: (worker: Worker) => worker.steps_per_second.toFixed(1),
        },
        { title: 'seen', cell: ({ last_seen_at }: Worker) => ago(last_seen_at, now) },
      ];
      for (const line of tableLines(workers, columns, out.colours)) out.line(line);
    });
  });
}
