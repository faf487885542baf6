import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, rateKey, sweepFileSchema, towerNames } from '@murnau/domain';
import type { SweepFile } from '@murnau/domain';
import { z } from 'zod';

/** What the demo does: tuned so that it ends within five minutes on two cores. */
const demo = {
  /** Folder of `examples/`; its concept has at least two initializer words. */
  concept: 'purple-car',
  placeholder: 'lumicar',
  initializers: 2,
  learningRates: [0.1, 0.2],
  maxSteps: 100,
  batchSize: 4,
  checkpointEverySteps: 25,
  evalEverySteps: 50,
  samplesEverySteps: 25,
  samplesPerPrompt: 2,
  finalPictures: 8,
} as const;

/** The checkout's `examples/`; this file lies in apps/cli/dist/commands/demo. */
const examples = fileURLToPath(new URL('../../../../../examples', import.meta.url));

const conceptsSchema = z.array(z.object({ folder: z.string(), initializers: z.array(z.string()).min(1) }));

interface DemoPlan {
  readonly file: SweepFile;
  /** Folder that the dataset's path starts from. */
  readonly folder: string;
}

/** One list only: one for each text tower would multiply the trials. */
function learningRates(): Record<string, object> {
  return Object.fromEntries(
    towerNames.map((tower, index) => [
      rateKey(tower),
      index === 0 ? { values: [...demo.learningRates] } : { value: demo.learningRates[0] },
    ]),
  );
}

/** The sweep of the demo: two words to start from × two learning rates, on one example concept. */
export async function demoPlan(folder = examples): Promise<DemoPlan> {
  const text = await readFile(join(folder, 'concepts.json'), 'utf8');
  const concepts = parse(conceptsSchema, JSON.parse(text), 'examples/concepts.json');
  const concept = concepts.find((entry) => entry.folder === demo.concept) ?? concepts[0];
  const initializers = (concept?.initializers ?? []).slice(0, demo.initializers);
  const file = parse(
    sweepFileSchema,
    {
      name: `demo-${concept?.folder ?? ''}`,
      dataset: concept?.folder,
      parameters: {
        pair: {
          values: initializers.map((initializer) => ({ placeholder: demo.placeholder, initializer })),
        },
        ...learningRates(),
        max_steps: { value: demo.maxSteps },
        batch_size: { value: demo.batchSize },
        packing: { value: 'exclusive' },
      },
      checkpoint: { every_steps: demo.checkpointEverySteps },
      eval: { every_steps: demo.evalEverySteps },
      samples: {
        every_steps: demo.samplesEverySteps,
        per_prompt: demo.samplesPerPrompt,
        final_count: demo.finalPictures,
      },
      max_concurrent_trials: 2,
    },
    'demo',
  );
  return { file, folder };
}
