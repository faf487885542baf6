// Killing and stopping processes, and finding out when the work went on.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopMs } from './faults.mjs';
import { untilMoment } from './moment.mjs';

const recoveryLimitMs = 600_000;
const pollMs = 20;

/** Process ids by part, as `murnau doctor --json` tells them too. @param {string} home @returns {Promise<Map<string, number>>} */
export async function pidsOf(home) {
  const { parts } = JSON.parse(await readFile(join(home, 'stack.json'), 'utf8'));
  return new Map(parts.filter(({ pid }) => pid !== undefined).map(({ name, pid }) => [name, pid]));
}

/** @param {number} pid @param {NodeJS.Signals} signal */
function send(pid, signal) {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** The worker that was drawn, or the other where that one trains nothing now. @param {import('./books.mjs').Books} books @param {number} drawn */
const indexAtWork = (books, drawn) =>
  books.of(`worker-${drawn}`).length > 0 || books.of(`worker-${1 - drawn}`).length === 0 ? drawn : 1 - drawn;

/**
 * Strikes once and waits until the work went on: from the fault (from its end, for a stop) to the first newly stored
 * step of the runs that it hit; where it hit no worker or dispatcher, of any run.
 * @param {ReturnType<import('./faults.mjs').planFaults>[number]} fault
 * @param {{ home: string, books: import('./books.mjs').Books, watcherPid: () => number | undefined }} world
 */
export async function inflict(fault, { home, books, watcherPid }) {
  const isPerWorker = fault.part === 'worker' || fault.part === 'dispatcher';
  const index = isPerWorker ? indexAtWork(books, fault.index) : 0;
  const name = isPerWorker ? `${fault.part}-${index}` : fault.part;
  const worker = isPerWorker ? `worker-${index}` : undefined;
  const moment = await untilMoment(books, fault.moment, worker);
  const pid = fault.part === 'cli' ? watcherPid() : (await pidsOf(home)).get(name);
  if (pid === undefined) return undefined;
  const hit = new Map((worker === undefined ? [] : books.of(worker)).map((run) => [run.run_id, run.epoch]));
  const struckMs = performance.now();
  if (!send(pid, fault.how === 'kill' ? 'SIGKILL' : 'SIGSTOP')) return undefined;
  let endMs = struckMs;
  if (fault.how === 'stop') {
    await sleep(stopMs);
    send(pid, 'SIGCONT');
    endMs = performance.now();
  }
  // An idle worker's death costs nobody anything: its recovery would flatter the figures.
  const isIdle = isPerWorker && hit.size === 0;
  const goneOnMs = isIdle ? undefined : await firstStored(books, { hit, struckMs, endMs });
  return {
    part: fault.part,
    name,
    how: fault.how,
    moment,
    runs_hit: hit.size,
    /** Null: nothing was hit, or what was hit had nothing left to do. */
    recovery_s: goneOnMs === undefined ? null : round(Math.max(0, goneOnMs - endMs) / 1000),
    /** From the strike itself: for a stop, others may have taken over before it ended. */
    takeover_s: goneOnMs === undefined ? null : round((goneOnMs - struckMs) / 1000),
  };
}

/**
 * @param {import('./books.mjs').Books} books
 * @param {{ hit: Map<string, number>, struckMs: number, endMs: number }} fault
 */
async function firstStored(books, { hit, struckMs, endMs }) {
  const deadline = endMs + recoveryLimitMs;
  // A step that was on its way when the fault came is no recovery: hit runs must have a newer epoch.
  const isRecovery = ({ atMs, run_id, epoch }) =>
    hit.size > 0 ? atMs > struckMs && epoch > (hit.get(run_id) ?? Infinity) : atMs > endMs;
  while (performance.now() < deadline) {
    const found = books.stored.find(isRecovery);
    if (found !== undefined) return found.atMs;
    const left = [...hit.keys()].filter((id) => !hasEnded(books.runs.get(id)));
    if (hit.size > 0 && left.length === 0) return undefined;
    if (books.runs.size > 0 && [...books.runs.values()].every(hasEnded)) return undefined;
    await sleep(pollMs);
  }
  throw new Error(`nothing was stored for ${recoveryLimitMs / 1000} s after a fault`);
}

/** @param {import('./books.mjs').RunSight | undefined} run */
const hasEnded = (run) => ['finished', 'failed'].includes(run?.phase);

/** @param {number} seconds */
const round = (seconds) => Math.round(seconds * 1000) / 1000;
