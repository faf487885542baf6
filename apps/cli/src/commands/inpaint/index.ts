import type { Command } from 'commander';
import { action, addExamples } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { addDrawingOptions, givenOptions } from '../../drawing/drawing-options.js';
import type { DrawingOptions } from '../../drawing/drawing-options.js';
import { makePictures } from '../../drawing/make-pictures.js';

interface Options extends DrawingOptions {
  readonly image: string;
  readonly mask: string;
}

export function register(command: Command, host: Host): void {
  addExamples(command, [
    {
      command: 'murnau inpaint "a red car" --image examples/purple-car/1.png --mask examples/mask.png',
      does: 'draws the black part of the mask anew and keeps the rest',
    },
  ]);
  command
    .requiredOption('--image <file>', 'the picture')
    .requiredOption('--mask <file>', 'of its size: what is dark or transparent is drawn anew');
  addDrawingOptions(command);
  action<Options>(command, host, async (context, [prompt], options) => {
    const inputs = [
      { path: options.image, flag: '--image' },
      { path: options.mask, flag: '--mask', isMask: true },
    ];
    const request = ([image, mask]: readonly string[]): unknown => ({
      task: 'inpaint',
      prompt,
      image,
      mask,
      ...givenOptions(options),
    });
    return makePictures(context, { inputs, request }, options);
  });
}
