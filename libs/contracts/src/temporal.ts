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

/** Messages that workflows take, beside the edits, whose updates are named by their kinds. */
export const workflowMessages = {
  /** Update: ends the work; what is stored stays. */
  cancel: 'cancel',
  /** Signal: the store has changed; decide again. */
  decideAgain: 'decide_again',
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
