import { edited, rate } from './malformed.js';
import type { Malformed } from './malformed.js';

/** Values of parameters. */
export const malformedValues: readonly Malformed[] = [
  {
    why: 'a value in place of a parameter',
    text: edited(rate, 'learning_rate_t1: 0.1'),
    place: '8:3',
    field: 'parameters.learning_rate_t1',
    says: 'parameters.learning_rate_t1: must be {value: …}, {values: […]} or {distribution: uniform | log_uniform | int_uniform | log_int_uniform, min, max}; did you mean {value: 0.1}? (given: 0.1)',
  },
  {
    why: 'a list in place of a parameter',
    text: edited(rate, 'learning_rate_t1: [0.1, 0.2]'),
    place: '8:3',
    field: 'parameters.learning_rate_t1',
    says: 'parameters.learning_rate_t1: must be {value: …}, {values: […]} or {distribution: uniform | log_uniform | int_uniform | log_int_uniform, min, max}; did you mean {values: […]}? (given: [0.1,0.2])',
  },
  {
    why: 'a parameter that is nothing',
    text: edited(rate, 'learning_rate_t1:'),
    place: '8:3',
    field: 'parameters.learning_rate_t1',
    says: 'parameters.learning_rate_t1: must be {value: …}, {values: […]} or {distribution: uniform | log_uniform | int_uniform | log_int_uniform, min, max} (given: null)',
  },
  {
    why: 'no values',
    text: edited(rate, 'learning_rate_t1: { values: [] }'),
    place: '8:23',
    field: 'parameters.learning_rate_t1.values',
    says: 'parameters.learning_rate_t1.values: must have an entry (given: [])',
  },
  {
    why: 'values that are one',
    text: edited(rate, 'learning_rate_t1: { values: 0.1 }'),
    place: '8:23',
    field: 'parameters.learning_rate_t1.values',
    says: 'parameters.learning_rate_t1.values: must be a list (given: 0.1)',
  },
  {
    why: 'a value that is a list',
    text: edited(rate, 'learning_rate_t1: { value: [0.1, 0.2] }'),
    place: '8:23',
    field: 'parameters.learning_rate_t1.value',
    says: 'parameters.learning_rate_t1.value: must be text, a number or true or false (given: [0.1,0.2])',
  },
  {
    why: 'values with nothing among them',
    text: edited(rate, 'learning_rate_t1: { values: [0.1, null] }'),
    place: '8:37',
    field: 'parameters.learning_rate_t1.values[1]',
    says: 'parameters.learning_rate_t1.values[1]: must be text, a number or true or false (given: null)',
  },
  {
    why: 'a value twice',
    text: edited(rate, 'learning_rate_t1: { values: [0.1, 0.2, 0.10] }'),
    place: '8:42',
    field: 'parameters.learning_rate_t1.values[2]',
    says: 'parameters.learning_rate_t1.values[2]: is given twice (given: 0.1)',
  },
  {
    why: 'a number in quotes among the values',
    text: edited(rate, 'learning_rate_t1: { values: [0.1, "0.2"] }'),
    place: '8:37',
    field: 'parameters.learning_rate_t1.values[1]',
    says: 'parameters.learning_rate_t1.values[1]: must be a number, without quotes (given: "0.2")',
  },
  {
    why: 'NaN among the values',
    text: edited(rate, 'learning_rate_t1: { values: [0.1, .nan] }'),
    place: '8:37',
    field: 'parameters.learning_rate_t1.values[1]',
    says: 'parameters.learning_rate_t1.values[1]: must be a finite number (given: NaN)',
  },
  {
    why: 'a negative learning rate',
    text: edited(rate, 'learning_rate_t1: { value: -0.1 }'),
    place: '8:23',
    field: 'parameters.learning_rate_t1.value',
    says: 'parameters.learning_rate_t1.value: must be above 0 (given: -0.1)',
  },
  {
    why: 'a learning rate of zero among others',
    text: edited(
      rate,
      `learning_rate_t1:
    values:
      - 0.1
      - 0`,
    ),
    place: '11:9',
    field: 'parameters.learning_rate_t1.values[1]',
    says: 'parameters.learning_rate_t1.values[1]: must be above 0 (given: 0)',
  },
  {
    why: 'many for a number',
    text: edited('60', 'many'),
    place: '9:16',
    field: 'parameters.max_steps.value',
    says: 'parameters.max_steps.value: must be a number (given: many)',
  },
  {
    why: 'half a step',
    text: edited('60', '60.5'),
    place: '9:16',
    field: 'parameters.max_steps.value',
    says: 'parameters.max_steps.value: must be a whole number (given: 60.5)',
  },
  {
    why: 'a batch size beyond the largest',
    text: edited(rate, 'batch_size: { values: [4, 65] }'),
    place: '8:29',
    field: 'parameters.batch_size.values[1]',
    says: 'parameters.batch_size.values[1]: must be at most 64 (given: 65)',
  },
  {
    why: 'a word that is none of the schedule',
    text: edited(rate, 'schedule: { values: [constant, cosin] }'),
    place: '8:34',
    field: 'parameters.schedule.values[1]',
    says: 'parameters.schedule.values[1]: must be one of: constant, cosine, linear; did you mean "cosine"? (given: cosin)',
  },
  {
    why: 'value and values',
    text: edited(rate, 'learning_rate_t1: { value: 0.1, values: [0.1] }'),
    place: '8:3',
    field: 'parameters.learning_rate_t1',
    says: 'parameters.learning_rate_t1: must be {value: …}, {values: […]} or {distribution: uniform | log_uniform | int_uniform | log_int_uniform, min, max} (given: {"value":0.1,"values":[0.1]})',
  },
];
