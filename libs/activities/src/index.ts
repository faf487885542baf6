export { createDrawingActivities } from './generation/create-drawing-activities.js';
export { createGenerationActivities } from './generation/create-generation-activities.js';
export type { WorkerDoor } from './on-worker.js';
export { createSweepActivities } from './sweep/create-sweep-activities.js';
export { createTextActivities } from './text/create-text-activities.js';
export { createRunActivities } from './training-run/create-run-activities.js';
export { createTrainingActivities } from './training-run/segment/create-training-activities.js';
export { createWorkerTrouble } from './training-run/segment/worker-trouble.js';
export type { WorkerTrouble } from './training-run/segment/worker-trouble.js';
