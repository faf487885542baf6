export { attributePairs, fairnessKeyOf } from './attributes.js';
export type { AttributeValues } from './attributes.js';
export { factLine, parameterText, plain, roundedMetric } from './board-text.js';
export type { CancelRequest } from './cancel.js';
export { toStoredEnd } from './ending.js';
export type { Ending, StoredEnd } from './ending.js';
export { failureOf, fromFailure, toActivityFailure, toStoredFailure } from './failures.js';
export { generationActivitySummaries } from './generation/activities.js';
export type { DrawingActivities, GenerationActivities } from './generation/activities.js';
export { generationCard } from './generation/card.js';
export type { GenerationInput } from './generation/input.js';
export { generateQueue, orchestratorQueue, textQueue, trainQueue } from './queues.js';
export { sweepActivitySummaries } from './sweep/activities.js';
export type {
  DecideSweepInput,
  SweepActivities,
  SweepEnding,
  SweepRow,
  SweepStep,
  SweepView,
  TrialStarted,
  TrialToStart,
} from './sweep/activities.js';
export { sweepCard } from './sweep/card.js';
export type { SweepInput } from './sweep/input.js';
export type { SweepEditMessage, TrialEnded } from './sweep/messages.js';
export { searchAttributes, workflowMessages, workflowTaskTimeoutMs, workflowTypes } from './temporal.js';
export type { SearchAttributeName } from './temporal.js';
export type { ConversionResult, TextActivities, WordProblem } from './text/activities.js';
export { conversionCard, tokenCheckCard } from './text/card.js';
export { conversionTimeoutMs, tokenCheckTimeoutMs } from './text/input.js';
export type { EmbeddingConversionInput, TokenCheckInput } from './text/input.js';
export { runActivitySummaries } from './training-run/activities.js';
export type {
  RunAction,
  RunActivities,
  RunEnding,
  RunFacts,
  RunStep,
  RunView,
  SegmentEnd,
  SegmentInput,
  SegmentOrder,
  SegmentResult,
  TrainingActivities,
} from './training-run/activities.js';
export { runCard } from './training-run/card.js';
export type { TrainingRunInput } from './training-run/input.js';
export type { RunEditRequest } from './training-run/messages.js';
export type { WorkflowCard } from './workflow-card.js';
