export type {
  BookkeepingActivities,
  ConversionResult,
  GenerationActivities,
  NextStep,
  RunAction,
  RunEditInput,
  RunFacts,
  RunFailure,
  RunView,
  SegmentEnd,
  SegmentInput,
  SegmentResult,
  SweepEditInput,
  SweepQuestion,
  SweepRow,
  SweepStep,
  TrainingActivities,
  TrialStarted,
  TrialToStart,
  WordProblem,
} from './activity-types.js';
export type {
  CancelRequest,
  EmbeddingConversionInput,
  GenerationInput,
  RunEditRequest,
  SweepEditMessage,
  SweepInput,
  TokenCheckInput,
  TrainingRunInput,
  TrialEnded,
} from './workflow-inputs.js';
export { createBookkeepingActivities } from './bookkeeping/create-bookkeeping-activities.js';
export { toPastTrial } from './bookkeeping/suggest-trials.js';
export type { BookkeepingDeps } from './bookkeeping/deps.js';
export { createGenerationActivities } from './generation/create-generation-activities.js';
export type { GenerationDeps } from './generation/create-generation-activities.js';
export { createTrainingActivities } from './training/create-training-activities.js';
export type { TrainingDeps } from './training/create-training-activities.js';
export { createWorkerTrouble } from './training/worker-trouble.js';
export type { WorkerTrouble } from './training/worker-trouble.js';
export { createStarters } from './start/create-starters.js';
export type { StarterDeps, Starters } from './start/create-starters.js';
export { findLost, startStored } from './start/start-stored.js';
export type { FindLostDeps, StartStoredDeps } from './start/start-stored.js';
export { createTemporalClient } from './start/temporal-client.js';
export type { TemporalClientOptions } from './start/temporal-client.js';
export type { WorkflowCard } from './start/workflow-card.js';
