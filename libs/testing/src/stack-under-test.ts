import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Root of the repository. */
export const repository = fileURLToPath(new URL('../../../', import.meta.url));
const cliEntry = join(repository, 'apps/cli/dist/main.js');

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly timeoutMs?: number;
  /** By `bin/murnau`, which is what the documentation writes. */
  readonly byLauncher?: boolean;
}

/** Runs the command line as a user would, in a folder of its own. */
export function runCli(
  args: readonly string[],
  options: CliOptions & { env?: Record<string, string> } = {},
): Promise<CliResult> {
  const begun = performance.now();
  const [program, first] = options.byLauncher
    ? [join(repository, 'bin/murnau'), []]
    : [process.execPath, [cliEntry]];
  return new Promise((resolve) => {
    execFile(
      program,
      [...first, ...args],
      {
        cwd: options.cwd ?? repository,
        env: { ...process.env, NO_COLOR: '1', ...options.env },
        timeout: options.timeoutMs ?? 300_000,
        maxBuffer: 64 << 20,
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ exitCode: code, stdout, stderr, elapsedMs: performance.now() - begun });
      },
    );
  });
}

interface PartRecord {
  readonly name: string;
  readonly pid: number;
}

/** A whole embedded stack with a data folder of its own. */
export class StackUnderTest {
  private constructor(
    readonly home: string,
    private readonly env: Record<string, string>,
  ) {}

  static async up(args: readonly string[] = [], env: Record<string, string> = {}): Promise<StackUnderTest> {
    return StackUnderTest.at(await mkdtemp(join(tmpdir(), 'murnau-e2e-')), args, env);
  }

  /** In a data folder that is there, or is to be made; closing it removes the folder. */
  static async at(
    home: string,
    args: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<StackUnderTest> {
    const stack = new StackUnderTest(home, { MURNAU_HOME: home, ...env });
    await stack.done(['up', ...args]);
    return stack;
  }

  murnau(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return runCli(args, { ...options, env: this.env });
  }

  /** Runs a command that must succeed. */
  async done(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    const result = await this.murnau(args, options);
    if (result.exitCode !== 0) {
      throw new Error(
        `murnau ${args.join(' ')} ended with ${result.exitCode}\n${result.stderr}\n${result.stdout}`,
      );
    }
    return result;
  }

  async json<Value>(args: readonly string[]): Promise<Value> {
    return JSON.parse((await this.done([...args, '--json'])).stdout) as Value;
  }

  /** Process ids by part, as the stack records them. */
  async parts(): Promise<ReadonlyMap<string, number>> {
    const file = JSON.parse(await readFile(join(this.home, 'stack.json'), 'utf8')) as {
      supervisor: { pid: number };
      parts: PartRecord[];
    };
    return new Map([
      ['supervisor', file.supervisor.pid],
      ...file.parts.map(({ name, pid }) => [name, pid] as const),
    ]);
  }

  /** Sends SIGKILL to the named parts, all at once; gives their process ids. */
  async kill(...names: readonly string[]): Promise<number[]> {
    const parts = await this.parts();
    return names.map((name) => {
      const pid = parts.get(name);
      if (pid === undefined) throw new Error(`no part ${name}; there are ${[...parts.keys()].join(', ')}`);
      process.kill(pid, 'SIGKILL');
      return pid;
    });
  }

  async close(): Promise<void> {
    await this.murnau(['down']);
    await rm(this.home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** Asks until the answer is there. */
export async function until<Value>(
  what: string,
  ask: () => Promise<Value | undefined>,
  timeoutMs = 120_000,
): Promise<Value> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const value = await ask();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    await sleep(200);
  }
  throw new Error(`waited ${timeoutMs / 1000} s in vain for ${what}`, { cause: last });
}
