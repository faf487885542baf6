export { createStarters } from './create-starters.js';
export type { Starters } from './create-starters.js';
export { createKeeper } from './keep.js';
export { createReconciler } from './reconcile.js';
export { createTemporalClient } from './temporal-client.js';
export { cancelWorkflow, signalWorkflow } from './workflow-presence.js';
