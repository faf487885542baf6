import { edited, rate } from './malformed.js';
import type { Malformed } from './malformed.js';

const upTo = (last: number): number[] => Array.from({ length: last + 1 }, (_, index) => index);

const ten = upTo(9)
  .map((value) => value + 1)
  .join(', ');
const tenShares = upTo(9)
  .map((value) => value / 20)
  .join(', ');
/** 2 pairs × 5 × 10^8. */
const billionPoints = [
  ...['batch_size', 'prior_steps', 'seed', 'schedule_steps', 'learning_rate_t2'].map(
    (name) => `${name}: { values: [${ten}] }`,
  ),
  ...['weight_decay', 'ema_decay', 'flip_probability'].map((name) => `${name}: { values: [${tenShares}] }`),
  'learning_rate_t1: { values: [1, 2, 3, 4, 5] }',
].join('\n  ');

/** Ranges, conditions, and more than a sweep may have. */
export const malformedRanges: readonly Malformed[] = [
  {
    why: 'a distribution in a grid',
    text: edited(rate, 'learning_rate_t1: { distribution: uniform, min: 0.1, max: 1 }'),
    place: '8:3',
    field: 'parameters.learning_rate_t1',
    says: 'parameters.learning_rate_t1: a grid needs values, not a distribution',
  },
  {
    why: 'a distribution with a slip',
    text: edited(rate, 'learning_rate_t1: { distribution: unifrom, min: 0.1, max: 1 }'),
    place: '8:23',
    field: 'parameters.learning_rate_t1.distribution',
    says: 'parameters.learning_rate_t1.distribution: must be one of: uniform, log_uniform, int_uniform, log_int_uniform; did you mean "uniform"? (given: unifrom)',
  },
  {
    why: "another tool's distribution",
    text: edited(rate, 'learning_rate_t1: { distribution: log_uniform_values, min: 0.1, max: 1 }'),
    place: '8:23',
    field: 'parameters.learning_rate_t1.distribution',
    says: 'parameters.learning_rate_t1.distribution: must be one of: uniform, log_uniform, int_uniform, log_int_uniform; use "log_uniform" (given: log_uniform_values)',
  },
  {
    why: 'a range without distribution',
    text: edited(rate, 'learning_rate_t1: { min: 0.1, max: 1 }'),
    place: '8:3',
    field: 'parameters.learning_rate_t1.distribution',
    says: 'parameters.learning_rate_t1.distribution: is missing (one of: uniform, log_uniform, int_uniform, log_int_uniform) (given: nothing)',
  },
  {
    why: 'a range without max',
    text: edited(rate, 'learning_rate_t1: { distribution: uniform, min: 0.1 }'),
    place: '8:3',
    field: 'parameters.learning_rate_t1.max',
    says: 'parameters.learning_rate_t1.max: is missing (a number) (given: nothing)',
  },
  {
    why: 'min above max',
    text: edited(rate, 'learning_rate_t1: { distribution: uniform, min: 0.5, max: 0.1 }'),
    place: '8:56',
    field: 'parameters.learning_rate_t1.max',
    says: 'parameters.learning_rate_t1.max: must be greater than min; for one value use {value: …} (given: 0.1)',
  },
  {
    why: 'min equal to max',
    text: edited(rate, 'learning_rate_t1: { distribution: uniform, min: 0.5, max: 0.5 }'),
    place: '8:56',
    field: 'parameters.learning_rate_t1.max',
    says: 'parameters.learning_rate_t1.max: must be greater than min; for one value use {value: …} (given: 0.5)',
  },
  {
    why: 'a logarithm of zero',
    text: edited(rate, 'learning_rate_t1: { distribution: log_uniform, min: 0, max: 0.1 }'),
    place: '8:50',
    field: 'parameters.learning_rate_t1.min',
    says: 'parameters.learning_rate_t1.min: must be above 0 on a logarithmic scale: the value itself, not its exponent (given: 0)',
  },
  {
    why: 'exponents for a logarithm',
    text: edited(rate, 'learning_rate_t1: { distribution: log_uniform, min: -9, max: -2 }'),
    place: '8:50',
    field: 'parameters.learning_rate_t1.min',
    says: 'parameters.learning_rate_t1.min: must be above 0 on a logarithmic scale: the value itself, not its exponent (given: -9)',
  },
  {
    why: 'a min in quotes',
    text: edited(rate, 'learning_rate_t1: { distribution: uniform, min: "0.1", max: 1 }'),
    place: '8:46',
    field: 'parameters.learning_rate_t1.min',
    says: 'parameters.learning_rate_t1.min: must be a number, without quotes (given: "0.1")',
  },
  {
    why: 'a max that is NaN',
    text: edited(rate, 'learning_rate_t1: { distribution: uniform, min: 0.1, max: .NaN }'),
    place: '8:56',
    field: 'parameters.learning_rate_t1.max',
    says: 'parameters.learning_rate_t1.max: must be a finite number (given: NaN)',
  },
  {
    why: 'a max that is infinite',
    text: edited(rate, 'learning_rate_t1: { distribution: uniform, min: 0.1, max: .inf }'),
    place: '8:56',
    field: 'parameters.learning_rate_t1.max',
    says: 'parameters.learning_rate_t1.max: must be a finite number (given: Infinity)',
  },
  {
    why: 'a range beyond the parameter',
    text: edited(rate, 'flip_probability: { distribution: uniform, min: 0, max: 2 }'),
    place: '8:54',
    field: 'parameters.flip_probability.max',
    says: 'parameters.flip_probability.max: must be at most 1 (given: 2)',
  },
  {
    why: 'halves in a range of whole numbers',
    text: edited(rate, 'batch_size: { distribution: int_uniform, min: 1.5, max: 8 }'),
    place: '8:44',
    field: 'parameters.batch_size.min',
    says: 'parameters.batch_size.min: must be a whole number (given: 1.5)',
  },
  {
    why: 'a range of numbers for whole ones',
    text: edited(rate, 'batch_size: { distribution: uniform, min: 1, max: 8 }'),
    place: '8:17',
    field: 'parameters.batch_size.distribution',
    says: 'parameters.batch_size.distribution: batch_size takes whole numbers only: use "int_uniform" (given: uniform)',
  },
  {
    why: 'a logarithmic range of whole numbers from zero',
    text: edited(rate, 'seed: { distribution: log_int_uniform, min: 0, max: 8 }'),
    place: '8:42',
    field: 'parameters.seed.min',
    says: 'parameters.seed.min: must be above 0 on a logarithmic scale: the value itself, not its exponent (given: 0)',
  },
  {
    why: 'a range of words',
    text: edited(rate, 'schedule: { distribution: uniform, min: 0, max: 2 }'),
    place: '8:15',
    field: 'parameters.schedule.distribution',
    says: 'parameters.schedule.distribution: schedule is no number: must be one of: constant, cosine, linear, as {values: […]} (given: uniform)',
  },
  {
    why: 'a condition on nothing',
    text: edited(rate, 'schedule_steps: { values: [30, 60], when: {} }'),
    place: '8:39',
    field: 'parameters.schedule_steps.when',
    says: 'parameters.schedule_steps.when: must name another parameter and its value: {schedule: cosine} (given: {})',
  },
  {
    why: 'a condition that is a word',
    text: edited(rate, 'schedule_steps: { values: [30, 60], when: cosine }'),
    place: '8:39',
    field: 'parameters.schedule_steps.when',
    says: 'parameters.schedule_steps.when: must be a mapping of keys to values (given: cosine)',
  },
  {
    why: 'a condition on what is not there',
    text: edited(
      rate,
      `schedule: { values: [constant, cosine] }
  schedule_steps: { values: [30, 60], when: { shedule: cosine } }`,
    ),
    place: '9:47',
    field: 'parameters.schedule_steps.when.shedule',
    says: 'parameters.schedule_steps.when.shedule: is not among the parameters; did you mean "schedule"? (given: cosine)',
  },
  {
    why: 'a condition on a value that is not there',
    text: edited(
      rate,
      `schedule: { values: [constant, cosine] }
  schedule_steps: { values: [30, 60], when: { schedule: linear } }`,
    ),
    place: '9:47',
    field: 'parameters.schedule_steps.when.schedule',
    says: 'parameters.schedule_steps.when.schedule: "linear" is none of its values: "constant", "cosine" (given: linear)',
  },
  {
    why: 'a condition on itself',
    text: edited(rate, 'schedule: { values: [constant, cosine], when: { schedule: cosine } }'),
    place: '8:51',
    field: 'parameters.schedule.when.schedule',
    says: 'parameters.schedule.when.schedule: a parameter cannot depend on itself (given: cosine)',
  },
  {
    why: 'a condition on a range',
    text: edited(
      rate,
      `weight_decay: { distribution: uniform, min: 0, max: 1 }
  schedule_steps: { values: [30, 60], when: { weight_decay: 0.5 } }`,
    ),
    place: '9:47',
    field: 'parameters.schedule_steps.when.weight_decay',
    says: 'parameters.schedule_steps.when.weight_decay: is a range: only a parameter with values can decide about another (given: 0.5)',
  },
  {
    why: 'a condition on no value',
    text: edited(
      rate,
      `schedule: { values: [constant, cosine] }
  schedule_steps: { values: [30, 60], when: { schedule: [] } }`,
    ),
    place: '9:47',
    field: 'parameters.schedule_steps.when.schedule',
    says: 'parameters.schedule_steps.when.schedule: must have an entry (given: [])',
  },
  {
    why: 'a condition that a fixed parameter cannot meet',
    text: edited(
      rate,
      `schedule: { value: constant }
  schedule_steps: { values: [30, 60], when: { schedule: cosin } }`,
    ),
    place: '9:47',
    field: 'parameters.schedule_steps.when.schedule',
    says: 'parameters.schedule_steps.when.schedule: must be one of: constant, cosine, linear; did you mean "cosine"? (given: cosin)',
  },
  {
    why: 'conditions in a circle',
    text: edited(
      rate,
      `schedule: { values: [constant, cosine], when: { norm: free } }
  norm: { values: [free, vocabulary], when: { schedule: cosine } }`,
    ),
    place: '8:43',
    field: 'parameters.schedule.when',
    says: 'parameters.schedule.when: conditions run in a circle: schedule, norm (given: {"norm":"free"})',
  },
  {
    why: 'a grid of 10^9 points',
    text: edited(rate, billionPoints),
    place: '3:1',
    field: 'parameters',
    says: 'parameters: the grid has 1,000,000,000 points, more than the 10,000 trials that a sweep may have: give run_cap to take the first ones, or method: random with run_cap to draw from all',
  },
  {
    why: 'more values than anyone reads',
    text: edited(rate, `seed: { values: [${upTo(1000).join(', ')}] }`),
    place: '8:11',
    field: 'parameters.seed.values',
    says: 'parameters.seed.values: must have at most 1000 entries',
  },
];
