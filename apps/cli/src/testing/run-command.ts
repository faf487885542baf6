import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

interface RunOptions {
  /** Default: node with the built entry. */
  readonly command?: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Sends SIGINT, to all its processes as a terminal does, when the output so far matches. */
  readonly interruptAt?: RegExp;
  /** Sends it when this is called back: for what happens before there is output. */
  readonly interruptOn?: (interrupt: () => void) => void;
  /** Sends one more, so many ms later. */
  readonly againAfterMs?: number;
}

/** Runs the built command as a user would, without a terminal. */
export function runCommand(args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const [program, ...first] = options.command ?? [process.execPath, entry];
    const child = spawn(program, [...first, ...args], {
      // A process group of its own.
      detached: true,
      cwd: options.cwd,
      env: { HOME: '/nonexistent', MURNAU_HOME: '/nonexistent', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    let isInterrupted = false;
    const interrupt = (): void => {
      if (child.pid === undefined || child.exitCode !== null) return;
      process.kill(-child.pid, 'SIGINT');
    };
    const look = (): void => {
      if (isInterrupted || options.interruptAt?.test(stderr + stdout) !== true) return;
      isInterrupted = true;
      interrupt();
      if (options.againAfterMs !== undefined) setTimeout(interrupt, options.againAfterMs);
    };
    options.interruptOn?.(interrupt);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      look();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      look();
    });
    child.on('error', reject);
    child.on('close', (exitCode) =>
      resolve({ exitCode, stdout, stderr, elapsedMs: performance.now() - startedMs }),
    );
  });
}
