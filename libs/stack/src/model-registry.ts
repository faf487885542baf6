import { resolve } from 'node:path';
import { modelNameSchema, MurnauError, nearest, parse } from '@murnau/domain';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { readText, writeText } from '@murnau/supervisor';
import { checkModelFolder, holdingSchema, shippedModels, type Holding, type ServedModel } from './models.js';
import type { StackPaths } from './paths.js';

/** `models.yaml` of the data folder: what a person has registered beside the shipped models. */
const registrySchema = z.strictObject({
  models: z.record(modelNameSchema, holdingSchema.extend({ path: z.string().min(1) })).nullish(),
});

function documentOf(text: string, file: string): ReturnType<typeof parseDocument> {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error === undefined) return document;
  throw new MurnauError('spec.invalid', `${file} is no YAML: ${error.message.split('\n')[0] ?? ''}`, {
    field: file,
    cause: error,
  });
}

/** In the order of the file; relative paths start from its folder. */
export async function registeredModels(paths: StackPaths): Promise<ServedModel[]> {
  const text = await readText(paths.models);
  if (text === null) return [];
  const value: unknown = documentOf(text, paths.models).toJS() ?? {};
  const { models } = parse(registrySchema, value, paths.models);
  return Object.entries(models ?? {}).map(([name, { path, ...holding }]) => ({
    name,
    dir: resolve(paths.home, path),
    holding,
  }));
}

/** Shipped models, then registered ones: what a worker serves unless it is told otherwise. */
export async function knownModels(paths: StackPaths): Promise<ServedModel[]> {
  return [...(await shippedModels()), ...(await registeredModels(paths))];
}

interface NewModel {
  readonly name: string;
  readonly dir: string;
  readonly holding: Holding;
}

/** Registers a model. @throws `spec.invalid`, `usage.invalid` for a name that is taken, `model.not_a_model` */
export async function registerModel(
  paths: StackPaths,
  { name, dir, holding }: NewModel,
): Promise<ServedModel> {
  parse(modelNameSchema, name, 'name');
  const taken = (await knownModels(paths)).find((known) => known.name === name);
  if (taken !== undefined) {
    throw new MurnauError('usage.invalid', `There is a model "${name}" already: ${taken.dir}`, {
      field: 'name',
      given: name,
      allowed:
        taken.holding === undefined
          ? 'a name that no shipped model has'
          : `another name, or remove this one first: murnau models rm ${name}`,
    });
  }
  const path = resolve(dir);
  const { family } = checkModelFolder(path, 'folder');
  const document = documentOf((await readText(paths.models)) ?? '', paths.models);
  const { family: _, ...rest } = holding;
  document.setIn(['models', name], document.createNode({ family, path, ...rest }));
  await writeText(paths.models, document.toString());
  return { name, dir: path, holding: { ...holding, family } };
}

/** Forgets a registered model; its files stay. @throws `model.not_registered`, `usage.invalid` for a shipped one */
export async function unregisterModel(paths: StackPaths, name: string): Promise<ServedModel> {
  const registered = await registeredModels(paths);
  const found = registered.find((model) => model.name === name);
  if (found === undefined) throw await notRegistered(name, registered);
  const document = documentOf((await readText(paths.models)) ?? '', paths.models);
  document.deleteIn(['models', name]);
  await writeText(paths.models, document.toString());
  return found;
}

async function notRegistered(name: string, registered: readonly ServedModel[]): Promise<MurnauError> {
  const isShipped = (await shippedModels()).some((model) => model.name === name);
  if (isShipped) {
    return new MurnauError('usage.invalid', `${name} ships with the checkout and cannot be removed`, {
      field: 'name',
      given: name,
      allowed: 'a registered model; to serve fewer models: murnau up --model NAME',
    });
  }
  const names = registered.map((model) => model.name);
  const near = nearest(name, names);
  return new MurnauError(
    'model.not_registered',
    `No model "${name}" is registered${near === undefined ? '' : `; did you mean "${near}"?`}`,
    { field: 'name', given: name, allowed: names.length === 0 ? 'none is' : names.join(', ') },
  );
}
