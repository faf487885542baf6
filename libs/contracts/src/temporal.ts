/** Names that the workflows share with who starts, asks and lists them. */

/** How long a workflow's task waits for an orchestrator that was killed over it; one that only takes long says so. */
export const workflowTaskTimeoutMs = 3_000;

export const workflowTypes = {
  trainingRun: 'trainingRun',
  sweep: 'sweep',
  generation: 'generation',
  embeddingConversion: 'embeddingConversion',
  tokenCheck: 'tokenCheck',
} as const;

/** Messages that workflows take: one name means the same everywhere. */
export const workflowMessages = {
  /** Update: ends the work; what is stored stays. */
  cancel: 'cancel',
  /** Updates of a run or a sweep; what each asks for is in `edits.ts`. */
  pause: 'pause',
  resume: 'resume',
  stop: 'stop',
  /** Updates of a sweep. */
  extend: 'extend',
  addPair: 'add_pair',
  setConcurrency: 'set_concurrency',
  dropTrial: 'drop_trial',
  retryFailed: 'retry_failed',
  pickWinners: 'pick_winners',
  /** Signal to a run: the store says something new about it; decide again. */
  look: 'look',
  /** Query: where the work stands. */
  status: 'status',
  /** Signal of a trial to its sweep. */
  trialEnded: 'trial_ended',
} as const;

/** Custom search attributes of the namespace, with their types. */
export const searchAttributes = {
  MurnauKind: 'KEYWORD',
  MurnauModel: 'KEYWORD',
  MurnauPlaceholder: 'KEYWORD',
  MurnauInitializer: 'KEYWORD',
  MurnauSweep: 'KEYWORD',
  MurnauOwner: 'KEYWORD',
  MurnauPhase: 'KEYWORD',
  MurnauStep: 'INT',
  MurnauEvalLoss: 'DOUBLE',
  MurnauImageAlignment: 'DOUBLE',
} as const;
export type SearchAttributeName = keyof typeof searchAttributes;
