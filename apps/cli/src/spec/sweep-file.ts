import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import {
  hyperparameterNames,
  MurnauError,
  parse,
  previewTrials,
  spaceNotices,
  sweepFileSchema,
} from '@murnau/domain';
import type { PlannedTrial, SweepFile } from '@murnau/domain';
import { parseSetValue, withValue } from './set-values.js';
import { forTestMode } from './test-mode.js';
import { readYaml } from './yaml-place.js';
import type { YamlFile } from './yaml-place.js';

/** The same error with the file's line and column of its field in front. */
export type Locate = (error: MurnauError) => MurnauError;

interface LoadedSweep {
  readonly file: SweepFile;
  readonly trials: readonly PlannedTrial[];
  /** What its creator is to know of its space. */
  readonly notices: readonly string[];
  /** Folder that relative paths in the file start from. */
  readonly folder: string;
  readonly locate: Locate;
}

async function readText(path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (cause) {
    if (cause instanceof TypeError) {
      throw new MurnauError('usage.invalid', `sweep file ${path}: is not UTF-8 text`, {
        given: path,
        allowed: 'a file saved as UTF-8',
        cause,
      });
    }
    const { code } = cause as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : String(cause);
    throw new MurnauError('usage.invalid', `sweep file ${path}: ${reason}`, { given: path, cause });
  }
}

/** `batch_size=4` stands for `parameters.batch_size.value=4`. */
function applySets(root: unknown, sets: readonly string[]): { value: unknown; fields: string[] } {
  let value = root;
  const fields: string[] = [];
  for (const text of sets) {
    const given = parseSetValue(text);
    const [head = ''] = given.path;
    const isHyperparameter = given.path.length === 1 && hyperparameterNames.includes(head) && head !== 'seed';
    const path = isHyperparameter ? ['parameters', head] : given.path;
    value = withValue(value, path, isHyperparameter ? { value: given.value } : given.value);
    fields.push(path.join('.'));
  }
  return { value, fields };
}

/**
 * Says where in the file an error's field is; that an override is wrong where it is, not the file.
 * @param fields fields that `--set` gave
 */
function locator(yaml: YamlFile, name: string, fields: readonly string[]): Locate {
  return (error) => {
    const { code, given, allowed, message } = error;
    const field = (error.field ?? '').replace(/^spec\./, '');
    const isSet = fields.some((set) => field === set || field.startsWith(`${set}.`));
    // A trial's spec names its own fields; in the file they are parameters.
    const inFile =
      message.startsWith('trial ') && yaml.has(`parameters.${field}`) ? `parameters.${field}` : field;
    const where = isSet ? `${name}, --set` : yaml.placeOf(inFile);
    const what = message.replace(/^sweep file: ?/, '');
    return new MurnauError(code, `${where}: ${what}`, { field, given, allowed, cause: error });
  };
}

interface SweepOverrides {
  /** `key=value` each. */
  readonly sets?: readonly string[];
  /** Each trial a few steps, one checkpoint, one picture; `sets` go over that. */
  readonly isTestMode?: boolean;
}

/**
 * Reads, overrides, checks and expands a sweep file; nothing is sent anywhere.
 * @throws MurnauError whose message starts with `file.yaml:LINE:COLUMN`.
 */
export function parseSweep(
  text: string,
  path: string,
  { sets = [], isTestMode = false }: SweepOverrides = {},
): Omit<LoadedSweep, 'folder'> {
  const name = basename(path);
  const yaml = readYaml(text, name);
  const { value, fields } = applySets(isTestMode ? forTestMode(yaml.value) : yaml.value, sets);
  const locate = locator(yaml, name, fields);
  try {
    const file = parse(sweepFileSchema, value, 'sweep file');
    return { file, notices: spaceNotices(file), trials: previewTrials(file), locate };
  } catch (error) {
    throw error instanceof MurnauError ? locate(error) : error;
  }
}

export async function loadSweep(path: string, overrides: SweepOverrides): Promise<LoadedSweep> {
  return { ...parseSweep(await readText(path), path, overrides), folder: dirname(resolve(path)) };
}
