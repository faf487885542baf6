// A stack of its own, in a folder that goes away, with what is started in it.
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeStack, startStack, stopStack } from '@murnau/stack';
import { root } from '../bootstrap/root.mjs';
import { Books } from './books.mjs';
import { model, secondModel, writeSweep } from './sweeps.mjs';

const mortalWorker = join(import.meta.dirname, 'mortal_worker.py');
const cli = join(root, 'apps/cli/dist/main.js');
const createTimeoutMs = 120_000;
/** Long enough that a fault can meet any of its moments. */
const simulatedStepMs = 60;

export class Arena {
  /** @param {string} home @param {Books} books */
  constructor(home, books) {
    this.home = home;
    this.books = books;
    /** @type {import('node:child_process').ChildProcess | undefined} */
    this.watcher = undefined;
  }

  /** @param {{ isSimulated: boolean }} options */
  static async open({ isSimulated }) {
    const home = await mkdtemp(join(tmpdir(), 'murnau-chaos-'));
    await chmod(home, 0o755);
    const dir = join(root, 'models', model);
    const python = join(root, 'python-worker/.venv/bin/python');
    const stack = await startStack({
      home,
      models: [model, secondModel].map((name) => ({ name, dir })),
      workers: 2,
      threads: 1,
      // Each has room for all six trials that are open: a killed one leaves its runs a free slot on the other.
      slots: 6,
      simulate: isSimulated,
      simulateStepMs: simulatedStepMs,
      // A line for each step in its log: how many were computed twice is counted there.
      programs: { worker: { command: python, args: [mortalWorker, '--log-level', 'debug'] } },
      startTimeoutMs: 300_000,
    });
    const books = new Books(stack.databaseUrl);
    void books.follow();
    return new Arena(home, books);
  }

  /** @param {readonly string[]} args @returns {Promise<string>} */
  murnau(args) {
    const env = { ...process.env, MURNAU_HOME: this.home, NO_COLOR: '1' };
    return new Promise((resolve, reject) => {
      execFile(process.execPath, [cli, ...args], { env, timeout: 60_000 }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`murnau ${args.join(' ')}: ${stderr}`, { cause: error }));
      });
    });
  }

  /** Once, though the answer may be lost with the api. @param {string} name @param {string} text @returns {Promise<string>} the sweep's id */
  async createSweep(name, text) {
    const file = await writeSweep(this.home, name, text);
    const deadline = performance.now() + createTimeoutMs;
    for (;;) {
      const failure = await this.murnau(['sweep', 'create', file, '--json']).then(
        () => undefined,
        (error) => error,
      );
      const rows = await this.books.ask('select id from sweeps where name = $1', [name]).catch(() => []);
      if (rows.length > 0) return rows[0].id;
      if (performance.now() > deadline) throw failure ?? new Error(`sweep ${name} is not there`);
      await sleep(500);
    }
  }

  /** A command line that follows a sweep; another takes its place when it dies. @param {string} sweepId */
  watch(sweepId) {
    this.watcher?.removeAllListeners('exit');
    this.watcher?.kill('SIGKILL');
    const env = { ...process.env, MURNAU_HOME: this.home };
    const watcher = spawn(process.execPath, [cli, 'sweep', 'watch', sweepId], { env, stdio: 'ignore' });
    this.watcher = watcher;
    watcher.once('exit', (_, signal) => {
      if (this.watcher === watcher && signal !== null) this.watch(sweepId);
    });
  }

  /** @param {readonly string[]} sweepIds @param {number} timeoutMs */
  async untilEnded(sweepIds, timeoutMs) {
    const deadline = performance.now() + timeoutMs;
    while (performance.now() < deadline) {
      const open = await this.books
        .ask(
          `select id from sweeps where id = any($1) and phase not in ('finished', 'failed', 'cancelled')`,
          [sweepIds],
        )
        .catch(() => [{}]);
      if (open.length === 0) return;
      await sleep(300);
    }
    throw new Error(`sweeps ${sweepIds.join(', ')} did not end within ${timeoutMs / 1000} s`);
  }

  /** What the supervisor had to start again. */
  async restarts() {
    const stack = await describeStack({ home: this.home });
    return Object.fromEntries((stack?.parts ?? []).map(({ name, restarts }) => [name, restarts]));
  }

  /** @param {{ keepsHome: boolean }} options */
  async close({ keepsHome }) {
    this.watcher?.removeAllListeners('exit');
    this.watcher?.kill('SIGKILL');
    await this.books.close();
    await stopStack({ home: this.home });
    if (!keepsHome) await rm(this.home, { recursive: true, force: true });
  }
}
