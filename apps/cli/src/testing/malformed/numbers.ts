import { added } from './malformed.js';
import type { Malformed } from './malformed.js';

/** Numbers and words of the file itself. */
export const malformedNumbers: readonly Malformed[] = [
  {
    why: 'no trials at once',
    text: added(`max_concurrent_trials: 0
`),
    place: '10:1',
    field: 'max_concurrent_trials',
    says: 'max_concurrent_trials: must be at least 1 (given: 0)',
  },
  {
    why: 'half a trial at once',
    text: added(`max_concurrent_trials: 1.5
`),
    place: '10:1',
    field: 'max_concurrent_trials',
    says: 'max_concurrent_trials: must be a whole number (given: 1.5)',
  },
  {
    why: 'too many trials at once',
    text: added(`max_concurrent_trials: 1001
`),
    place: '10:1',
    field: 'max_concurrent_trials',
    says: 'max_concurrent_trials: must be at most 1000 (given: 1001)',
  },
  {
    why: 'a run_cap of zero',
    text: added(`run_cap: 0
`),
    place: '10:1',
    field: 'run_cap',
    says: 'run_cap: must be at least 1 (given: 0)',
  },
  {
    why: 'a run_cap in quotes',
    text: added(`run_cap: "12"
`),
    place: '10:1',
    field: 'run_cap',
    says: 'run_cap: must be a number, without quotes (given: "12")',
  },
  {
    why: 'a run_cap beyond every sweep',
    text: added(`run_cap: 1000000
`),
    place: '10:1',
    field: 'run_cap',
    says: 'run_cap: must be at most 10000 (given: 1000000)',
  },
  {
    why: 'random search without run_cap',
    text: added(`method: random
`),
    place: '1:1',
    field: 'run_cap',
    says: 'run_cap: must be given for method random: the number of trials (given: nothing)',
  },
  {
    why: 'a method with a slip',
    text: added(`method: gird
`),
    place: '10:1',
    field: 'method',
    says: 'method: must be one of: grid, random, tpe; did you mean "grid"? (given: gird)',
  },
  {
    why: 'a method that needs to know how many',
    text: added(`method: tpe
`),
    place: '1:1',
    field: 'run_cap',
    says: 'run_cap: must be given for method tpe: the number of trials (given: nothing)',
  },
  {
    why: 'a negative seed',
    text: added(`seed: -1
`),
    place: '10:1',
    field: 'seed',
    says: 'seed: must be at least 0 (given: -1)',
  },
  {
    why: 'a seed beyond 2^53',
    text: added(`seed: 1e300
`),
    place: '10:1',
    field: 'seed',
    says: 'seed: must be at most 9007199254740991 (given: 1e+300)',
  },
  {
    why: 'negative restarts',
    text: added(`max_restarts: -1
`),
    place: '10:1',
    field: 'max_restarts',
    says: 'max_restarts: must be at least 0 (given: -1)',
  },
  {
    why: 'a checkpoint every 0 steps',
    text: added(`checkpoint: { every_steps: 0 }
`),
    place: '10:15',
    field: 'checkpoint.every_steps',
    says: 'checkpoint.every_steps: must be at least 1 (given: 0)',
  },
  {
    why: 'an infinite segment',
    text: added(`segment_max_s: .inf
`),
    place: '10:1',
    field: 'segment_max_s',
    says: 'segment_max_s: must be a finite number (given: Infinity)',
  },
  {
    why: 'prompts without the placeholder',
    text: added(`samples:
  prompts:
    - a photo of a {placeholder}
    - a photo of a cat
`),
    place: '13:7',
    field: 'samples.prompts[1]',
    says: 'samples.prompts[1]: must contain {placeholder} (given: a photo of a cat)',
  },
  {
    why: 'prompts that are text',
    text: added(`samples: { prompts: "a {placeholder}" }
`),
    place: '10:12',
    field: 'samples.prompts',
    says: 'samples.prompts: must be a list (given: a {placeholder})',
  },
  {
    why: 'no prompts',
    text: added(`samples: { prompts: [] }
`),
    place: '10:12',
    field: 'samples.prompts',
    says: 'samples.prompts: must have an entry (given: [])',
  },
  {
    why: 'true for a number of pictures',
    text: added(`samples: { per_prompt: true }
`),
    place: '10:12',
    field: 'samples.per_prompt',
    says: 'samples.per_prompt: must be a number (given: true)',
  },
  {
    why: 'a metric with a slip',
    text: added(`metric: { name: eval_gian }
`),
    place: '10:11',
    field: 'metric.name',
    says: 'metric.name: must be one of: eval_gain, eval_loss, train_loss, image_alignment, text_alignment; did you mean "eval_gain"? (given: eval_gian)',
  },
  {
    why: 'a loss to maximize',
    text: added(`metric: { name: eval_loss }
`),
    place: '10:1',
    field: 'metric.goal',
    says: 'metric.goal: must be minimize for a loss (given: nothing)',
  },
  {
    why: 'a goal with a slip',
    text: added(`metric: { goal: maximise }
`),
    place: '10:11',
    field: 'metric.goal',
    says: 'metric.goal: must be one of: maximize, minimize; did you mean "maximize"? (given: maximise)',
  },
];
