export { createStarters } from './create-starters.js';
export type { StarterDeps, Starters } from './create-starters.js';
export { createReconciler } from './reconcile.js';
export type { Reconciler, ReconcilerDeps, Row } from './reconcile.js';
export { createTemporalClient } from './temporal-client.js';
export type { TemporalClientOptions } from './temporal-client.js';
export { cancelWorkflow, signalWorkflow } from './workflow-presence.js';
