// The plan of faults: which part, how, and in which moment, drawn from the seed alone.
import { createRandom } from './random.mjs';

/** What is hit, by the names of `stack.json`; `cli` is a watching command line of this program. */
export const partKinds = [
  'worker',
  'dispatcher',
  'orchestrator',
  'api',
  'advisor',
  'temporal',
  'postgres',
  'cli',
];
/** Work that can never succeed. */
export const workKinds = ['picture', 'generation'];
export const faultKinds = [...partKinds, ...workKinds];
export const moments = ['start', 'step', 'checkpoint', 'sample', 'promotion'];
export const stopMs = 20_000;
const shareOfStops = 0.15;

/**
 * Each kind at least once a minute, spread evenly, in a new order each minute.
 * @param {{ minutes: number, seed: number }} options
 * @returns {{ atMs: number, part: string, index: number, how: 'kill' | 'stop' | 'work', moment: string }[]}
 */
export function planFaults({ minutes, seed }) {
  const random = createRandom(seed);
  const faults = [];
  const whole = Math.ceil(minutes);
  for (let minute = 0; minute < whole; minute += 1) {
    const order = random.shuffled(faultKinds);
    for (const [place, part] of order.entries()) {
      const atMs = Math.round((minute + (place + 0.5 * random.next()) / order.length) * 60_000);
      const index = random.next() < 0.5 ? 0 : 1;
      const how = random.next() < shareOfStops ? 'stop' : 'kill';
      const moment = random.pick(moments);
      const fault = { atMs, part, index, how: workKinds.includes(part) ? 'work' : how, moment };
      if (atMs < minutes * 60_000) faults.push(fault);
    }
  }
  return faults;
}
