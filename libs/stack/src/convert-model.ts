import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { isErrorCode, MurnauError } from '@murnau/domain';
import type { ModelDtype } from '@murnau/domain';
import { checkout } from './checkout.js';
import { inheritedEnv, pythonEnv } from './env.js';
import { checkModelFolder } from './models.js';
import { defaultPrograms, type Program } from './settings.js';

interface ModelConversion {
  readonly source: string;
  readonly target: string;
  readonly dtype?: ModelDtype | undefined;
  /** Each JSON line of the worker's, as it comes. */
  readonly onProgress?: (progress: Readonly<Record<string, unknown>>) => void;
  readonly signal?: AbortSignal | undefined;
  /** Another worker program, for tests. */
  readonly program?: Program | undefined;
}

/** Of what the worker says when it cannot go on. */
const keptLines = 20;

function jsonLine(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The worker's own refusal where it said one: `{"error": {"code", "message"}}`, or these two alone. */
function refusalIn(lines: readonly string[]): MurnauError | undefined {
  for (const line of [...lines].reverse()) {
    const value = jsonLine(line);
    const error = (value?.['error'] ?? value) as Readonly<Record<string, unknown>> | undefined;
    const { code, message } = error ?? {};
    if (typeof code !== 'string' || typeof message !== 'string' || !isErrorCode(code)) continue;
    return new MurnauError(code, message);
  }
  return undefined;
}

/**
 * Has the worker's Python write a model anew in diffusers' layout, which later loads map into memory.
 * @throws `model.not_a_model`, or what the worker refuses it with
 */
export async function convertModel(conversion: ModelConversion): Promise<void> {
  const { source, target, dtype, onProgress, signal, program = defaultPrograms().worker } = conversion;
  checkModelFolder(source, 'folder');
  const args = [...program.args, 'convert-model', source, target];
  const child = spawn(program.command, [...args, ...(dtype === undefined ? [] : ['--dtype', dtype])], {
    cwd: checkout,
    env: { ...inheritedEnv(), ...pythonEnv },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal !== undefined && { signal }),
  });
  const said: string[] = [];
  const listen = (stream: NodeJS.ReadableStream, onLine: (line: string) => void): void => {
    createInterface({ input: stream }).on('line', (line) => {
      said.push(line);
      if (said.length > keptLines) said.shift();
      onLine(line);
    });
  };
  listen(child.stdout, (line) => {
    const progress = jsonLine(line);
    if (progress !== undefined && progress['error'] === undefined) onProgress?.(progress);
  });
  listen(child.stderr, () => {});
  const exitCode = await new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('close', done);
  });
  if (exitCode === 0) return;
  throw (
    refusalIn(said) ??
    new MurnauError(
      'model.unreadable',
      `The model was not converted (exit ${exitCode ?? 'by a signal'}): ${said.at(-1) ?? ''}`,
    )
  );
}
