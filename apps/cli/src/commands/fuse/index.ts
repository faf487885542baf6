import type { Command } from 'commander';
import { mostFuseItems, MurnauError } from '@murnau/domain';
import { action, addExamples } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { plural } from '../../output/format.js';
import { addDrawingOptions, givenOptions } from '../../drawing/drawing-options.js';
import type { DrawingOptions } from '../../drawing/drawing-options.js';
import { makePictures } from '../../drawing/make-pictures.js';

interface Options extends DrawingOptions {
  readonly weights?: string;
}

interface Thing {
  readonly kind: 'text' | 'image';
  readonly value: string;
}

/** Four digits are what a person reads of a weight. */
const evenWeight = (count: number): number => Number((1 / count).toPrecision(4));

/** One weight for each thing; without any the things weigh the same. */
function weightsOf(text: string | undefined, things: readonly Thing[]): number[] {
  if (text === undefined) return things.map(() => evenWeight(things.length));
  const weights = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (weights.some((weight) => !Number.isFinite(weight))) {
    throw new MurnauError('usage.invalid', `--weights ${text}: is not a list of numbers`, {
      field: '--weights',
      given: text,
      allowed: 'numbers separated by commas, e.g. 0.3,0.7',
    });
  }
  if (weights.length !== things.length) {
    const named = things.map(({ kind }) => kind).join(', ');
    throw new MurnauError(
      'usage.invalid',
      `--weights names ${plural(weights.length, 'weight')} for ${plural(things.length, 'thing')} (${named})`,
      { field: '--weights', given: text, allowed: `${things.length} numbers separated by commas` },
    );
  }
  return weights;
}

export function register(command: Command, host: Host): void {
  const things: Thing[] = [];
  const take =
    (kind: Thing['kind']) =>
    (value: string): void =>
      void things.push({ kind, value });
  addExamples(command, [
    {
      command: 'murnau fuse --text "a cat" --image examples/owl/1.png --weights 0.4,0.6',
      does: 'mixes them in the order given, the weights in the same order',
    },
  ]);
  command
    .option('--text <text>', 'a text to mix in; may be repeated', take('text'))
    .option('--image <file>', 'a picture to mix in; may be repeated', take('image'))
    .option('--weights <list>', 'weights in the order of the things, e.g. 0.3,0.7 (default: all the same)');
  addDrawingOptions(command);
  action<Options>(command, host, async (context, _, options) => {
    if (things.length === 0 || things.length > mostFuseItems) {
      throw new MurnauError(
        'usage.invalid',
        `fuse mixes 1 to ${mostFuseItems} things, not ${things.length}`,
        {
          field: '--text, --image',
          given: String(things.length),
          allowed: `1 to ${mostFuseItems} of --text TEXT and --image FILE`,
        },
      );
    }
    const weights = weightsOf(options.weights, things);
    const inputs = things
      .filter(({ kind }) => kind === 'image')
      .map(({ value }) => ({ path: value, flag: '--image' }));
    const request = (hashes: readonly string[]): unknown => {
      const waiting = [...hashes];
      const items = things.map(({ kind, value }, index) => ({
        ...(kind === 'text' ? { text: value } : { image: waiting.shift() }),
        weight: weights[index],
      }));
      return { task: 'fuse', items, ...givenOptions(options) };
    };
    return makePictures(context, { inputs, request }, options);
  });
}
