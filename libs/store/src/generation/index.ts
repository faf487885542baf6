import type { Bound } from '../context.js';
import { createGeneration } from './create-generation.js';
import { endAbandonedGeneration, endGeneration } from './end-generation.js';
import { generationWorkerDeaths, getGeneration, listGenerations } from './reads.js';
import {
  addNotice,
  countWorkerDeath,
  recordImage,
  recordProducer,
  setPreview,
  setProgress,
} from './record-drawing.js';
import {
  generationWorkflowChain,
  markGenerationLost,
  markGenerationStarted,
  startedGenerations,
  unstartedGenerations,
} from './starts.js';

/** What `store.generations` offers: reads, then commands, each one transaction. */
export const generationFunctions = {
  get: getGeneration,
  list: listGenerations,
  unstarted: unstartedGenerations,
  startedAndOpen: startedGenerations,
  workflowChain: generationWorkflowChain,
  workerDeaths: generationWorkerDeaths,
  create: createGeneration,
  setProgress,
  recordProducer,
  setPreview,
  addNotice,
  recordImage,
  countWorkerDeath,
  markStarted: markGenerationStarted,
  markLost: markGenerationLost,
  end: endGeneration,
  endAbandoned: endAbandonedGeneration,
};

export type Generations = Bound<typeof generationFunctions>;
