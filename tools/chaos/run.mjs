// Disturbs three sweeps for some minutes and checks that nothing was lost, doubled or changed.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Arena } from './arena.mjs';
import { endOfBadWork } from './bad-work.mjs';
import { checkHalving, checkRecomputed, checkTrials, recomputedSteps, resultsOf } from './checks.mjs';
import { planFaults } from './faults.mjs';
import { inflict } from './inflict.mjs';
import { reportOf } from './report.mjs';
import { halvingSweep, randomSweep, secondModel } from './sweeps.mjs';

/** A busy machine computes each step over again many times between faults. */
const sweepTimeoutMs = 3_600_000;

/** @param {{ minutes: number, seed: number, isSimulated: boolean, hasBadWork: boolean, keepsHome: boolean }} options @param {(line: string) => void} say */
export async function runChaos(options, say) {
  const arena = await Arena.open(options);
  say(`the stack is in ${arena.home}`);
  try {
    const reference = await arena.createSweep(
      'undisturbed',
      randomSweep({ ...options, name: 'undisturbed' }),
    );
    await arena.untilEnded([reference], sweepTimeoutMs);
    const wrongBefore = await checkTrials(arena.books, reference);
    say(`the undisturbed sweep ended; ${wrongBefore.length === 0 ? 'it is whole' : wrongBefore.join('; ')}`);
    const clock = { startedMs: performance.now(), isOver: false };
    const rounds = sweepAgainAndAgain(arena, options, clock, say);
    const [struck, swept] = await Promise.all([strikeAll(arena, options, clock, say), rounds]);
    const found = await check(arena, { reference, swept });
    say(`started again: ${JSON.stringify(await arena.restarts())}`);
    const wrongWork = struck.flatMap(({ wrong: text }) => text ?? []);
    const wrong = [...wrongBefore.map((text) => `undisturbed: ${text}`), ...found.wrong, ...wrongWork];
    return reportOf(struck, { ...found, wrong, rounds: swept.length });
  } finally {
    await arena.close(options);
  }
}

/** All sweeps at once, and again while there is time left; the last ones run to their end. */
async function sweepAgainAndAgain(arena, options, clock, say) {
  const rounds = [];
  for (let round = 1; round === 1 || !clock.isOver; round += 1) {
    const names = { random: `random-${round}`, halving: `halving-${round}`, second: `second-${round}` };
    const random = await arena.createSweep(names.random, randomSweep({ ...options, name: names.random }));
    const halving = await arena.createSweep(names.halving, halvingSweep({ ...options, name: names.halving }));
    const onSecond = { ...options, name: names.second, swept: secondModel };
    const second = await arena.createSweep(names.second, randomSweep(onSecond));
    arena.watch(halving);
    rounds.push({ random, halving, second });
    await arena.untilEnded([random, halving, second], sweepTimeoutMs);
    say(`round ${round} of the sweeps ended`);
  }
  return rounds;
}

/** Each fault at its time; one that lasts does not keep the next from coming. */
async function strikeAll(arena, { minutes, seed, hasBadWork }, clock, say) {
  const open = new Set();
  const struck = [];
  const world = { home: arena.home, books: arena.books, watcherPid: () => arena.watcher?.pid };
  const inflictAny = createInflict(arena, world);
  const strike = async (fault) => {
    const ticket = { isAlone: open.size === 0 };
    for (const other of open) other.isAlone = false;
    open.add(ticket);
    try {
      const result = await inflictAny(fault);
      if (result === undefined) return;
      struck.push({ ...result, is_alone: ticket.isAlone });
      say(JSON.stringify(struck.at(-1)));
    } finally {
      open.delete(ticket);
    }
  };
  const strikes = [];
  for (const fault of planFaults({ minutes, seed }).filter(({ how }) => hasBadWork || how !== 'work')) {
    await sleep(Math.max(0, clock.startedMs + fault.atMs - performance.now()));
    strikes.push(strike(fault));
  }
  await sleep(Math.max(0, clock.startedMs + minutes * 60_000 - performance.now()));
  clock.isOver = true;
  await Promise.all(strikes);
  return struck;
}

/** Kills and stops parts, and starts work that can never succeed: one of a kind at a time. */
function createInflict(arena, world) {
  const atWork = new Set();
  let works = 0;
  return async (fault) => {
    const { part, how, moment } = fault;
    if (how !== 'work') return inflict(fault, world);
    if (atWork.has(part)) return undefined;
    atWork.add(part);
    works += 1;
    const wrong = await endOfBadWork(arena, part, works).finally(() => atWork.delete(part));
    return { part, name: part, how, moment, runs_hit: 0, recovery_s: null, takeover_s: null, wrong };
  };
}

async function check(arena, { reference, swept }) {
  const { books, home } = arena;
  const expected = await resultsOf(books, reference);
  const recomputed = await recomputedSteps(join(home, 'logs'));
  const wrong = [];
  let bytesEqual = true;
  const firstOnSecond = (await resultsOf(books, swept[0].second)).hashes.join();
  for (const [place, { random, halving, second }] of swept.entries()) {
    const found = await resultsOf(books, random);
    const isEqual = found.hashes.join() === expected.hashes.join();
    bytesEqual &&= isEqual;
    const about = [
      ...(isEqual ? [] : ['embeddings differ from the undisturbed ones']),
      ...(found.metrics.join() === expected.metrics.join()
        ? []
        : ['metrics differ from the undisturbed ones']),
      ...(await checkTrials(books, random)),
      ...(await checkRecomputed(books, random, recomputed)),
    ];
    wrong.push(...about.map((text) => `random-${place + 1}: ${text}`));
    const halved = [
      ...(await checkTrials(books, halving)),
      ...(await checkHalving(books, halving)),
      ...(await checkRecomputed(books, halving, recomputed)),
    ];
    wrong.push(...halved.map((text) => `halving-${place + 1}: ${text}`));
    const isSame = (await resultsOf(books, second)).hashes.join() === firstOnSecond;
    bytesEqual &&= isSame;
    const onSecond = [
      ...(isSame ? [] : ['embeddings differ from those of the first round']),
      ...(await checkTrials(books, second)),
      ...(await checkRecomputed(books, second, recomputed)),
    ];
    wrong.push(...onSecond.map((text) => `second-${place + 1}: ${text}`));
  }
  const stepsRecomputed = [...recomputed.values()].reduce((sum, steps) => sum + steps, 0);
  return { wrong, bytesEqual, stepsRecomputed };
}
