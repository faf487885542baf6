// What a chaos run can be told.
import { parseArgs } from 'node:util';

/** @param {string} name @param {string} text @param {number} least @param {number} most */
function number(name, text, least, most) {
  const value = Number(text);
  if (!(value >= least && value <= most)) {
    throw new Error(`--${name} ${text}: give a number from ${least} to ${most}`);
  }
  return value;
}

/** @param {string[]} args */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '2' },
      seed: { type: 'string', default: '1' },
      simulate: { type: 'boolean', default: false },
      'bad-work': { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  return {
    minutes: number('minutes', values.minutes, 0.2, 600),
    seed: number('seed', values.seed, 0, 2 ** 31),
    isSimulated: values.simulate,
    /** Starts work that can never succeed as well. */
    hasBadWork: values['bad-work'],
    /** Leaves the stack's folder there, with its logs. */
    keepsHome: values.keep,
  };
}
