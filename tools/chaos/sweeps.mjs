// The sweeps that are disturbed.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../bootstrap/root.mjs';

export const model = 'kandinsky-2.1-small';
/** The same files under another name, on the same workers. */
export const secondModel = 'kandinsky-2.1-small-again';
export const trials = 12;
export const eta = 2;
export const checkpointEverySteps = 5;
export const evalEverySteps = 20;

/** @param {boolean} isSimulated */
const sizes = (isSimulated) => ({ maxSteps: isSimulated ? 100 : 60, minSteps: 20 });

/** @param {{ name: string, isSimulated: boolean, swept?: string }} options */
function commonLines({ name, isSimulated, swept = model }) {
  return `
name: ${name}
model: ${swept}
dataset: ${join(root, 'examples/octopus')}
run_cap: ${trials}
seed: 3
parameters:
  pair: { values: [{ placeholder: oktavo, initializer: fish }] }
  learning_rate_t1: { distribution: log_uniform, min: 0.01, max: 0.5 }
  learning_rate_t2: { distribution: log_uniform, min: 0.01, max: 0.5 }
  max_steps: { value: ${sizes(isSimulated).maxSteps} }
  packing: { value: exclusive }
checkpoint: { every_steps: ${checkpointEverySteps} }
eval: { every_steps: ${evalEverySteps} }
samples: { every_steps: 20, per_prompt: 1, final_count: 2, num_steps: 5 }
max_concurrent_trials: 2
segment_max_s: 20
`;
}

/** @param {{ name: string, isSimulated: boolean, swept?: string }} options */
export const randomSweep = (options) => `${commonLines(options)}method: random\n`;

/** Trials are suggested by those before, so the advisor has a part in it. @param {{ name: string, isSimulated: boolean }} options */
export const halvingSweep = (options) =>
  `${commonLines(options)}method: tpe\nearly_terminate: { type: asha, min_steps: ${sizes(options.isSimulated).minSteps}, eta: ${eta} }\n`;

/** @param {string} folder @param {string} name @param {string} text */
export async function writeSweep(folder, name, text) {
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, text);
  return file;
}
