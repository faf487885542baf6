import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { expandTrials, hyperparameterNames, MurnauError, parse, sweepFileSchema } from '@murnau/domain';
import type { PlannedTrial, SweepFile } from '@murnau/domain';
import { LineCounter, parseDocument } from 'yaml';
import { parseSetValue, withValue } from './set-values.js';
import { lineOf } from './yaml-place.js';

export interface LoadedSweep {
  readonly file: SweepFile;
  readonly trials: readonly PlannedTrial[];
  /** Folder that relative paths in the file start from. */
  readonly folder: string;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : String(cause);
    throw new MurnauError('usage.invalid', `sweep file ${path}: ${reason}`, { given: path, cause });
  }
}

/** `learning_rate_t1=0.1` stands for `parameters.learning_rate_t1.value=0.1`. */
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
 * Reads, overrides, checks and expands a sweep file; nothing is sent anywhere.
 * @throws MurnauError whose message starts with `file.yaml:LINE`.
 */
export function parseSweep(text: string, path: string, sets: readonly string[]): Omit<LoadedSweep, 'folder'> {
  const name = basename(path);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    const line = lines.linePos(syntax.pos[0]).line;
    throw new MurnauError('spec.invalid', `${name}:${line}: not valid YAML: ${syntax.message}`, {
      cause: syntax,
    });
  }
  const { value, fields } = applySets(document.toJS() ?? {}, sets);
  try {
    const file = parse(sweepFileSchema, value, 'sweep file');
    return { file, trials: expandTrials(file).slice(0, file.budget.trials) };
  } catch (error) {
    if (!(error instanceof MurnauError)) throw error;
    const { code, field = '', given, allowed } = error;
    const isSet = fields.some((set) => field === set || field.startsWith(`${set}.`));
    // A trial's spec names its own fields; in the file they are parameters.
    const inFile = error.message.startsWith('trial ') ? `parameters.${field}` : field;
    const line = lineOf(document, lines, inFile) ?? lineOf(document, lines, field);
    const where = isSet ? `${name}, --set` : line === undefined ? name : `${name}:${line}`;
    const what = error.message.replace(/^sweep file: ?/, '');
    throw new MurnauError(code, `${where}: ${what}`, { field, given, allowed, cause: error });
  }
}

export async function loadSweep(path: string, sets: readonly string[]): Promise<LoadedSweep> {
  return { ...parseSweep(await readText(path), path, sets), folder: dirname(resolve(path)) };
}
