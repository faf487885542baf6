import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { heldDtypes, modelCheckpointings, modelDevices, modelOffloads, MurnauError } from '@murnau/domain';
import { z } from 'zod';
import { checkout } from './checkout.js';

/** How a worker holds a model that a person registered. */
export const holdingSchema = z.strictObject({
  family: z.literal('kandinsky-2.1').default('kandinsky-2.1'),
  dtype: z.enum(heldDtypes).default('auto'),
  device: z.enum(modelDevices).default('auto'),
  offload: z.enum(modelOffloads).default('none'),
  checkpointing: z.enum(modelCheckpointings).default('auto'),
});
export type Holding = z.output<typeof holdingSchema>;

export const servedModelSchema = z.object({
  name: z.string(),
  dir: z.string(),
  /** Of registered models; the worker knows by itself how it holds the shipped ones. */
  holding: holdingSchema.optional(),
});
export type ServedModel = z.output<typeof servedModelSchema>;

/** Both pipelines of diffusers' layout, under the names of their repositories. */
const diffusersFolders = ['kandinsky-2-1', 'kandinsky-2-1-prior'] as const;
/** Of the original's layout: the decoder, as its package downloads it. */
const originalDecoder = '2_1/decoder_fp16.ckpt';

export type ModelLayout = 'diffusers' | 'original';

/** A light look: the worker reads the files and says the rest. Undefined: this is no model. */
export function layoutOf(dir: string): ModelLayout | undefined {
  if (existsSync(join(dir, originalDecoder))) return 'original';
  const isDiffusers = diffusersFolders.every((name) => existsSync(join(dir, name, 'model_index.json')));
  return isDiffusers ? 'diffusers' : undefined;
}

/** @throws `model.not_a_model`, saying what was looked for and not found */
export function checkModelFolder(dir: string, field: string): ModelLayout {
  const layout = layoutOf(dir);
  if (layout !== undefined) return layout;
  const looked = [...diffusersFolders.map((name) => `${name}/model_index.json`), originalDecoder];
  const problem = existsSync(dir)
    ? `has neither ${looked.slice(0, 2).join(' and ')} nor ${originalDecoder}`
    : 'is not there';
  throw new MurnauError('model.not_a_model', `${dir} ${problem}.`, {
    field,
    given: dir,
    allowed: `a folder with ${looked.slice(0, 2).join(' and ')}, or with ${originalDecoder}`,
  });
}

/** diffusers' layout names itself in one file, several pipelines of one model in ours. */
export const isModelFolder = (dir: string): boolean =>
  ['model_index.json', 'murnau.yaml'].some((file) => existsSync(join(dir, file))) ||
  layoutOf(dir) !== undefined;

/** Folders of `models/` that hold a model, each served under its folder's name. */
export async function shippedModels(): Promise<ServedModel[]> {
  const folder = join(checkout, 'models');
  const names = await readdir(folder).catch(() => []);
  return names
    .sort()
    .map((name) => ({ name, dir: join(folder, name) }))
    .filter(({ dir }) => isModelFolder(dir));
}
