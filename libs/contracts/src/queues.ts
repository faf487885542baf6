/** Names of the task queues. */

export const orchestratorQueue = 'orchestrator';
export const trainQueue = (model: string): string => `train/${model}`;
export const generateQueue = (model: string): string => `generate/${model}`;
