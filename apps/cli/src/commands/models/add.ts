import { Option } from 'commander';
import type { Command } from 'commander';
import { familyNames, heldDtypes, modelCheckpointings, modelDevices, modelOffloads } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';

interface Options {
  readonly dtype: string;
  readonly device: string;
  readonly offload: string;
  readonly checkpointing: string;
}

export function registerModelsAdd(parent: Command, host: Host): void {
  const command = leaf(parent, 'add <name> <folder>', "register a model for this machine's embedded stack", [
    {
      command: `murnau models add ${familyNames[0]} ~/kandinsky2 --dtype float16 --device cuda`,
      does: "registers the original's files, or diffusers' folders; then: murnau up",
    },
  ])
    .addOption(
      new Option('--dtype <type>', 'what its weights are held in').choices(heldDtypes).default('auto'),
    )
    .addOption(new Option('--device <name>', 'where it computes').choices(modelDevices).default('auto'))
    .addOption(
      new Option('--offload <how>', 'parts: only the parts that a step needs are on the device')
        .choices(modelOffloads)
        .default('none'),
    )
    .addOption(
      new Option('--checkpointing <when>', 'on: training takes less memory and more time')
        .choices(modelCheckpointings)
        .default('auto'),
    );
  action<Options>(
    command,
    host,
    async (context, [name = '', dir = ''], { dtype, device, offload, checkpointing }) => {
      const { holdingSchema, registerModel, stackPaths } = await import('@murnau/stack');
      const holding = holdingSchema.parse({ dtype, device, offload, checkpointing });
      const model = await registerModel(stackPaths(context.environment.home), { name, dir, holding });
      context.result(model, () => context.io.out.line(model.name));
      context.say(`Registered ${model.name} in ${model.dir}. Serve it: murnau up`);
    },
  );
}
