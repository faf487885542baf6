/** Names of the task queues. */

export const orchestratorQueue = 'orchestrator';
export const trainQueue = (model: string): string => `train/${model}`;
export const generateQueue = (model: string): string => `generate/${model}`;
/** What needs a model's tokenizers and no device: never behind drawings. */
export const textQueue = (model: string): string => `text/${model}`;
