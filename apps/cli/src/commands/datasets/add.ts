import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { plural } from '../../output/format.js';

interface Options {
  readonly name?: string;
}

export function registerDatasetsAdd(parent: Command, host: Host): void {
  const command = leaf(
    parent,
    'add <folder>',
    'upload a folder of pictures; pictures that are there already are not sent',
    [{ command: 'murnau datasets add examples/purple-car', does: 'prints the id of the dataset' }],
  ).option('--name <name>', "name of the dataset (default: the folder's)");
  action<Options>(command, host, async (context, [folder = ''], { name }) => {
    const { ensureDataset } = await import('../../spec/datasets.js');
    const { picturesOf } = await import('../../spec/pictures.js');
    const pictures = await picturesOf(folder);
    const { dataset, sent } = await ensureDataset(
      context.client(),
      { kind: 'folder', folder, pictures },
      name,
    );
    context.say(
      `Dataset ${dataset.name}: ${plural(dataset.images.length, 'picture')}, ${sent} sent, ${pictures.length - sent} already there.`,
    );
    context.result(dataset, () => context.io.out.line(dataset.id));
  });
}
