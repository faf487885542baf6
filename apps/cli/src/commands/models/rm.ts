import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';

export function registerModelsRm(parent: Command, host: Host): void {
  const command = leaf(parent, 'rm <name>', 'forget a registered model; its files stay where they are');
  action(command, host, async (context, [name = '']) => {
    const { stackPaths, unregisterModel } = await import('@murnau/stack');
    const model = await unregisterModel(stackPaths(context.environment.home), name);
    context.result(model, () => context.io.out.line(model.name));
    context.say(`Forgot ${model.name}; ${model.dir} stays. Workers let go of it at the next: murnau up`);
  });
}
