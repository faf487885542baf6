import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { Harness } from './harness.js';
import { freePort, pause, Program, root } from './harness.js';

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The public doors of a harness: its HTTP API, and the command line that speaks to it. */
export interface Doors {
  /** Runs a command in the harness's folder. */
  murnau(...args: string[]): Promise<Answer>;
  close(): Promise<void>;
}

const token = 'a-token-for-tests';

export async function openDoors(harness: Harness): Promise<Doors> {
  const port = await freePort();
  const server = `http://127.0.0.1:${port}`;
  const api = new Program(
    process.execPath,
    [join(root, 'apps/api/dist/main.js')],
    { ...harness.env, API_PORT: String(port), API_TOKEN: token, MURNAU_OWNER: 'tester' },
    join(harness.folder, 'api.log'),
  );
  api.start();
  const isReady = (): Promise<boolean> =>
    fetch(`${server}/v1/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let waited = 0; !(await isReady()); waited += 100) {
    if (waited >= 30_000) throw new Error('the api did not start');
    await pause(100);
  }
  return {
    murnau: (...args) =>
      new Promise((resolve) => {
        const env = { ...process.env, MURNAU_SERVER: server, MURNAU_TOKEN: token, NO_COLOR: '1' };
        const program = join(root, 'apps/cli/dist/main.js');
        execFile(
          process.execPath,
          [program, ...args],
          { cwd: harness.folder, env },
          (error, stdout, stderr) => {
            resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
          },
        );
      }),
    close: async () => void (await api.stop()),
  };
}
