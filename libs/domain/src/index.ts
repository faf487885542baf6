export { errorRegistry, isErrorCode, MurnauError, toMurnauError } from './errors.js';
export type { ErrorCode, ErrorDetails, ErrorKind } from './errors.js';
export {
  generateQueue,
  generationWorkflowId,
  idPattern,
  orchestratorQueue,
  runWorkflowId,
  slug,
  sweepWorkflowId,
  trainQueue,
  trialWorkflowId,
} from './ids.js';
export { checkDatasetFits, needsOfRun, needsOfSweep } from './dataset-fit.js';
export type { DatasetNeeds, PictureFacts } from './dataset-fit.js';
export { nearest } from './nearest.js';
export { shellWord } from './shell-word.js';
export { parse } from './parse.js';
export {
  defaultModel,
  hyperparameterNames,
  hyperparametersSchema,
  initializerSchema,
  longestWordedText,
  modelNameSchema,
  optimizers,
  placeholderSchema,
  samplesSchema,
  templateLanguages,
  trainingSpecSchema,
} from './training-spec.js';
export type { SampleSpec, TrainingSpec, TrainingSpecInput } from './training-spec.js';
export { maxTrials, pairSchema, sweepFileSchema, sweepMetrics, vectorsOf } from './sweep-file.js';
export type { Pair, SweepFile, SweepFileInput } from './sweep-file.js';
export { distributions, parameterSchema } from './sweep-parameters.js';
export type { Parameter } from './sweep-parameters.js';
export { durationSchema, durationSeconds } from './duration.js';
export { policyProblems, rungsOf, sweepPolicies } from './sweep-policies.js';
export type { Halving, PolicyProblem, SweepPolicies } from './sweep-policies.js';
export { targetAfter } from './rungs.js';
export { runEditKinds, sweepEditSchema, whySchema } from './edits.js';
export type { Asked, RunEditKind, SweepEdit, SweepEditKind } from './edits.js';
export { adviceParameters, adviceTrial, adviceValues } from './search-advice.js';
export { expectedTrials, searchCap } from './expected-trials.js';
export { expandTrials, gridSize, previewTrials } from './search-space.js';
export type { ParameterValue, PlannedTrial } from './search-space.js';
export {
  blobHashSchema,
  drawingTasks,
  generationRequestSchema,
  inputsOf,
  mostFuseItems,
  samplers,
  textsOf,
  titleOf,
  wordsOf,
} from './generation-request.js';
export type {
  DrawingTask,
  FuseItem,
  GenerationRequest,
  GenerationRequestInput,
  RequestInput,
  Sampler,
} from './generation-request.js';
export {
  heldDtypes,
  modelCheckpointings,
  modelDevices,
  modelDtypes,
  modelOffloads,
} from './model-holding.js';
export type { ModelDevice, ModelDtype, ModelOffload } from './model-holding.js';
export { presetNames, presets, presetValues } from './presets.js';
export type { Preset } from './presets.js';
export { priorStepsProblem, priorStepsSchema } from './prior-steps.js';
export { producerSchema, recipeSchema } from './recipe.js';
export type { Producer, Recipe } from './recipe.js';
export type {
  AdviceCondition,
  AdviceDomain,
  AdviceParameter,
  AdviceValue,
  AdviceValues,
  PairWords,
  PastTrial,
} from './advice.js';
export {
  blobSchema,
  datasetImageSchema,
  datasetSchema,
  earlyStops,
  embeddingSchema,
  eventSchema,
  failureSchema,
  finalistSchema,
  generationPhases,
  generationSchema,
  imageBlobSchema,
  judgementSchema,
  leaderboardSchema,
  metricPointSchema,
  modelPartSchema,
  modelSchema,
  publications,
  runPhases,
  runSchema,
  runWishes,
  sampleKinds,
  sampleSchema,
  samplingDefaultsSchema,
  sweepDecisionSchema,
  sweepPhases,
  sweepSchema,
  workerModelSchema,
  workerSchema,
} from './resources.js';
export type {
  Blob,
  Dataset,
  DatasetImage,
  EarlyStop,
  Embedding,
  Failure,
  Finalist,
  Generation,
  GenerationPhase,
  ImageBlob,
  Judgement,
  Leaderboard,
  MetricPoint,
  Model,
  ModelPart,
  Publication,
  Run,
  RunPhase,
  RunWish,
  Sample,
  SampleKind,
  StoredEvent,
  Sweep,
  SweepDecision,
  SweepPhase,
  Worker,
  WorkerModel,
} from './resources.js';
export {
  addPairSchema,
  checkWordsSchema,
  createDatasetSchema,
  createRunSchema,
  createSweepSchema,
  datasetPageSchema,
  decisionPageSchema,
  editRequestSchema,
  embeddingFormats,
  embeddingPageSchema,
  eventListSchema,
  extendSweepSchema,
  finalistListSchema,
  forkRunSchema,
  generationPageSchema,
  importEmbeddingSchema,
  listDecisionsQuerySchema,
  listEmbeddingsQuerySchema,
  listEventsQuerySchema,
  listMetricsQuerySchema,
  listQuerySchema,
  listRunsQuerySchema,
  listSamplesQuerySchema,
  listSweepsQuerySchema,
  metricListSchema,
  modelListSchema,
  pickWinnersSchema,
  problemSchema,
  runPageSchema,
  sampleListSchema,
  serverInfoSchema,
  setConcurrencySchema,
  statusSchema,
  sweepPageSchema,
  sweepPlanSchema,
  wordsCheckedSchema,
  workerListSchema,
} from './api.js';
export type {
  CheckWords,
  CreateDataset,
  CreateRun,
  CreateSweep,
  EmbeddingFormat,
  ForkRun,
  Page,
  Problem,
  ServerInfo,
  Status,
  SweepPlan,
  WordsChecked,
} from './api.js';
export { baselineWordOf, judgedLines, unjudgedNote, verdictsOf } from './verdict.js';
export type { Verdict } from './verdict.js';
export { searchAttributes, workflowMessages, workflowTypes } from './temporal.js';
export type { SearchAttributeName } from './temporal.js';
