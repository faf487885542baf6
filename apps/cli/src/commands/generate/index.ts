import type { Command } from 'commander';
import { defaultModel, MurnauError } from '@murnau/domain';
import { action, addExamples } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { addDrawingOptions, givenOptions } from '../../drawing/drawing-options.js';
import type { DrawingOptions } from '../../drawing/drawing-options.js';
import { makePictures } from '../../drawing/make-pictures.js';

interface Options extends DrawingOptions {
  readonly from?: string;
}

export function register(command: Command, host: Host): void {
  addExamples(command, [
    {
      command: 'murnau generate "a photo of lumicar on a blue background" --out pictures',
      does: 'four pictures with the newest embedding of each learnt word, and a contact sheet',
    },
    {
      command: 'murnau generate --from pictures/a-photo-of-lumicar-6e000001-seed-2.png --num-steps 100',
      does: 'makes that picture again by the recipe that it carries, with more steps',
    },
  ]);
  addDrawingOptions(command).option(
    '--from <picture>',
    'make a picture of ours again, whatever drew it; what else is given changes its recipe',
  );
  action<Options>(command, host, async (context, [prompt], options) => {
    const given = givenOptions(options);
    if (options.from !== undefined) {
      const { recipeIn, requestAgain, sayWhatChanged } = await import('../../drawing/from-picture.js');
      const recipe = await recipeIn(options.from);
      const request = requestAgain(recipe, prompt, given);
      await sayWhatChanged(context, recipe, options.model ?? recipe.model.name);
      return makePictures(context, { inputs: [], request: () => request }, options);
    }
    if (prompt === undefined) {
      throw new MurnauError('usage.invalid', "missing argument 'prompt'", {
        field: 'prompt',
        allowed: 'a text, or --from PICTURE',
      });
    }
    const request = { task: 'text2img', model: defaultModel, prompt, ...given };
    return makePictures(context, { inputs: [], request: () => request }, options);
  });
}
