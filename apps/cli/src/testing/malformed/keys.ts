import { added, edited, rate } from './malformed.js';
import type { Malformed } from './malformed.js';

/** Keys that nobody knows, that are missing or hold the wrong kind; pairs. */
export const malformedKeys: readonly Malformed[] = [
  {
    why: 'an unknown key',
    text: added(`run_capp: 3
`),
    place: '10:1',
    field: 'run_capp',
    says: 'unknown key "run_capp"; did you mean "run_cap"?',
  },
  {
    why: 'a key with another case',
    text: edited('dataset:', 'Dataset:'),
    place: '2:1',
    field: 'Dataset',
    says: 'unknown key "Dataset"; did you mean "dataset"?',
  },
  {
    why: 'a key with a hyphen',
    text: added(`max-concurrent-trials: 3
`),
    place: '10:1',
    field: 'max-concurrent-trials',
    says: 'unknown key "max-concurrent-trials"; did you mean "max_concurrent_trials"?',
  },
  {
    why: 'an unknown key of samples',
    text: added(`samples: { every_step: 3 }
`),
    place: '10:12',
    field: 'samples.every_step',
    says: 'unknown key "samples.every_step"; did you mean "every_steps"?',
  },
  {
    why: 'an unknown key of checkpoint',
    text: added(`checkpoint: { every: 3 }
`),
    place: '10:15',
    field: 'checkpoint.every',
    says: 'unknown key "checkpoint.every"; did you mean "every_steps"?',
  },
  {
    why: 'an unknown key of eval',
    text: added(`eval:
  steps: 3
`),
    place: '11:3',
    field: 'eval.steps',
    says: 'unknown key "eval.steps"',
  },
  {
    why: 'an unknown key of metric',
    text: added(`metric: { nam: eval_gain }
`),
    place: '10:11',
    field: 'metric.nam',
    says: 'unknown key "metric.nam"; did you mean "name"?',
  },
  {
    why: 'an unknown parameter',
    text: edited(rate, 'learning_rate: { values: [0.1] }'),
    place: '8:3',
    field: 'parameters.learning_rate',
    says: 'unknown key "parameters.learning_rate"; did you mean "learning_rate_t1"?',
  },
  {
    why: 'a parameter whose name is a number',
    text: edited(rate, '7: { values: [0.1] }'),
    place: '8:3',
    field: 'parameters.7',
    says: 'unknown key "parameters.7"',
  },
  {
    why: 'an unknown key of a parameter',
    text: edited(rate, 'learning_rate_t1: { valuess: [0.1] }'),
    place: '8:23',
    field: 'parameters.learning_rate_t1.valuess',
    says: 'unknown key "parameters.learning_rate_t1.valuess"; did you mean "values"?',
  },
  {
    why: 'an unknown key of a range',
    text: edited(rate, 'learning_rate_t1: { distribution: uniform, min: 0.1, mx: 1 }'),
    place: '8:56',
    field: 'parameters.learning_rate_t1.mx',
    says: 'unknown key "parameters.learning_rate_t1.mx"; did you mean "max"?',
  },
  {
    why: 'an unknown key of a pair',
    text: edited('initializer: cat', 'initialiser: cat'),
    place: '7:32',
    field: 'parameters.pair.values[1].initialiser',
    says: 'unknown key "parameters.pair.values[1].initialiser"; did you mean "initializer"?',
  },
  {
    why: 'an unknown key beside the pairs',
    text: edited(
      `    values:
`,
      `    order: zipped
    values:
`,
    ),
    place: '5:5',
    field: 'parameters.pair.order',
    says: 'unknown key "parameters.pair.order"',
  },
  {
    why: 'halving by one',
    text: added(`early_terminate: { type: asha, min_steps: 15, eta: 1 }
`),
    place: '10:47',
    field: 'early_terminate.eta',
    says: 'early_terminate.eta: must be at least 2 (given: 1)',
  },
  {
    why: 'a budget of zero',
    text: added(`budget: { gpu_hours: 0 }
`),
    place: '10:11',
    field: 'budget.gpu_hours',
    says: 'budget.gpu_hours: must be above 0 (given: 0)',
  },
  {
    why: 'no name',
    text: edited(
      `name: pairs
`,
      '',
    ),
    place: '1:1',
    field: 'name',
    says: 'name: is missing (text) (given: nothing)',
  },
  {
    why: 'no dataset',
    text: edited(
      `dataset: ./octopus
`,
      '',
    ),
    place: '1:1',
    field: 'dataset',
    says: 'dataset: is missing (text) (given: nothing)',
  },
  {
    why: 'an empty name',
    text: edited('name: pairs', 'name: ""'),
    place: '1:1',
    field: 'name',
    says: 'name: must not be empty (given: "")',
  },
  {
    why: 'a name that is a number',
    text: edited('name: pairs', 'name: 7'),
    place: '1:1',
    field: 'name',
    says: 'name: must be text: put it in quotes (given: 7)',
  },
  {
    why: 'a name that is nothing',
    text: edited('name: pairs', 'name:'),
    place: '1:1',
    field: 'name',
    says: 'name: must be text (given: null)',
  },
  {
    why: 'a dataset that is a list',
    text: edited('./octopus', '[./octopus]'),
    place: '2:1',
    field: 'dataset',
    says: 'dataset: must be text (given: ["./octopus"])',
  },
  {
    why: 'a model with spaces',
    text: added(`model: Kandinsky 2.1
`),
    place: '10:1',
    field: 'model',
    says: 'model: must be a model name such as kandinsky-2.1 (given: Kandinsky 2.1)',
  },
  {
    why: 'no parameters',
    text: `name: a
dataset: b
`,
    place: '1:1',
    field: 'parameters',
    says: 'parameters: is missing (a mapping of keys to values) (given: nothing)',
  },
  {
    why: 'parameters that are a list',
    text: `name: a
dataset: b
parameters:
  - pair
`,
    place: '3:1',
    field: 'parameters',
    says: 'parameters: must be a mapping of keys to values (given: ["pair"])',
  },
  {
    why: 'no pair',
    text: `name: a
dataset: b
parameters:
  max_steps: { value: 60 }
`,
    place: '3:1',
    field: 'parameters.pair',
    says: 'parameters.pair: is missing (a mapping of keys to values) (given: nothing)',
  },
  {
    why: 'no pairs in the list',
    text: `name: a
dataset: b
parameters:
  pair: { values: [] }
`,
    place: '4:11',
    field: 'parameters.pair.values',
    says: 'parameters.pair.values: must have an entry (given: [])',
  },
  {
    why: 'a pair without initializer',
    text: edited(', initializer: cat', ''),
    place: '7:9',
    field: 'parameters.pair.values[1].initializer',
    says: 'parameters.pair.values[1].initializer: is missing (text) (given: nothing)',
  },
  {
    why: 'a pair without placeholder',
    text: edited('placeholder: oktavo, initializer: cat', 'initializer: cat'),
    place: '7:9',
    field: 'parameters.pair.values[1].placeholder',
    says: 'parameters.pair.values[1].placeholder: is missing (text) (given: nothing)',
  },
  {
    why: 'a pair that is a word',
    text: edited('{ placeholder: oktavo, initializer: cat }', 'oktavo'),
    place: '7:9',
    field: 'parameters.pair.values[1]',
    says: 'parameters.pair.values[1]: must be a mapping of keys to values (given: oktavo)',
  },
  {
    why: 'a placeholder with capitals and digits',
    text: edited('placeholder: oktavo, initializer: cat', 'placeholder: Oktavo8, initializer: cat'),
    place: '7:11',
    field: 'parameters.pair.values[1].placeholder',
    says: 'parameters.pair.values[1].placeholder: must be 2 to 32 lower-case letters a to z: the tokenizers lower-case words and split them at digits and punctuation (given: Oktavo8)',
  },
  {
    why: 'a placeholder that is a number',
    text: edited('placeholder: oktavo, initializer: cat', 'placeholder: 8, initializer: cat'),
    place: '7:11',
    field: 'parameters.pair.values[1].placeholder',
    says: 'parameters.pair.values[1].placeholder: must be text: put it in quotes (given: 8)',
  },
  {
    why: 'an empty initializer',
    text: edited('initializer: cat', 'initializer: ""'),
    place: '7:32',
    field: 'parameters.pair.values[1].initializer',
    says: 'parameters.pair.values[1].initializer: must not be empty (given: "")',
  },
  {
    why: 'the same pair twice',
    text: edited('initializer: cat', 'initializer: fish'),
    place: '7:9',
    field: 'parameters.pair.values[1]',
    says: 'parameters.pair.values[1]: the pair "oktavo" from "fish" is given twice (given: {"placeholder":"oktavo","initializer":"fish"})',
  },
  {
    why: 'a placeholder with two datasets',
    text: `name: a
dataset: b
parameters:
  pair:
    values:
      - { placeholder: oktavo, initializer: fish, dataset: ./one }
      - placeholder: oktavo
        initializer: cat
        dataset: ./two
`,
    place: '9:9',
    field: 'parameters.pair.values[1].dataset',
    says: 'parameters.pair.values[1].dataset: "oktavo" has the dataset "./one" in another pair: give each thing a word of its own (given: "./two")',
  },
];
