import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { badPictureOption } from '../../core/bad-picture-option.js';
import type { BadPictureRule } from '../../spec/picture-folder.js';
import { plural } from '../../output/format.js';

interface Options {
  readonly name?: string;
  readonly onBadPicture: BadPictureRule;
}

export function registerDatasetsAdd(parent: Command, host: Host): void {
  const command = leaf(
    parent,
    'add <folder>',
    'upload a folder of pictures with the masks and captions beside them; what is there already is not sent',
    [{ command: 'murnau datasets add examples/purple-car', does: 'prints the id of the dataset' }],
  )
    .option('--name <name>', "name of the dataset (default: the folder's)")
    .addOption(badPictureOption());
  action<Options>(command, host, async (context, [folder = ''], { name, onBadPicture }) => {
    const { ensureDataset, remarksOn } = await import('../../spec/datasets.js');
    const { readPictureFolder } = await import('../../spec/picture-folder.js');
    const reference = { kind: 'folder', ...(await readPictureFolder(folder, onBadPicture)) } as const;
    for (const remark of remarksOn(reference)) context.say(remark);
    const { dataset, sent } = await ensureDataset(context.client(), reference, name);
    const { images } = dataset;
    const masks = images.filter(({ mask_hash }) => mask_hash !== null).length;
    const captions = images.filter(({ caption }) => caption !== null).length;
    context.say(
      `Dataset ${dataset.name}: ${plural(images.length, 'picture')}, ${plural(masks, 'mask')}, ${plural(captions, 'caption')}; ${sent} sent, ${reference.pictures.length - sent} already there.`,
    );
    context.result(dataset, () => context.io.out.line(dataset.id));
  });
}
