import type { Command } from 'commander';
import { action, addExamples } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { decimal } from '../../core/list.js';
import { addDrawingOptions, givenOptions } from '../../drawing/drawing-options.js';
import type { DrawingOptions } from '../../drawing/drawing-options.js';
import { makePictures } from '../../drawing/make-pictures.js';

interface Options extends DrawingOptions {
  readonly image: string;
  readonly strength: number;
}

/** As the original's. */
const defaultStrength = 0.7;

export function register(command: Command, host: Host): void {
  addExamples(command, [
    {
      command: 'murnau img2img "a red car" --image examples/purple-car/1.png --strength 0.5',
      does: 'keeps half of the way from the picture',
    },
  ]);
  command
    .requiredOption('--image <file>', 'the picture to start from')
    .option(
      '--strength <x>',
      'how much of the picture is kept, above 0 and below 1',
      decimal,
      defaultStrength,
    );
  addDrawingOptions(command);
  action<Options>(command, host, async (context, [prompt], options) => {
    const { strength } = options;
    const inputs = [{ path: options.image, flag: '--image' }];
    const request = ([image]: readonly string[]): unknown => ({
      task: 'img2img',
      prompt,
      image,
      strength,
      ...givenOptions(options),
    });
    return makePictures(context, { inputs, request }, options);
  });
}
