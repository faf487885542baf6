export { errorRegistry, isErrorCode, MurnauError, toMurnauError } from './errors.js';
export type { ErrorCode, ErrorDetails, ErrorKind } from './errors.js';
export {
  generationWorkflowId,
  idPattern,
  runWorkflowId,
  slug,
  sweepWorkflowId,
  trialWorkflowId,
} from './ids.js';
export { checkDatasetFits, needsOfRun, needsOfSweep } from './dataset-fit.js';
export type { DatasetNeeds, PictureFacts } from './dataset-fit.js';
export { nearest } from './nearest.js';
export { parse, parseAnswer, refuseOddText } from './parse.js';
export {
  embeddingFormats,
  familyNames,
  familyOptions,
  familyParameters,
  familyTable,
  objectives,
  samplers,
  towerNames,
  towers,
} from './families/families.js';
export type { EmbeddingFormat } from './families/families.js';
export { foreignKey, keysOfFamily } from './families/own-keys.js';
export { defaultModel, drawsTogether, modelLayouts } from './families/registry.js';
export type { FamilyName, ModelLayout, Pooling, Preset } from './families/registry.js';
export type { Family, FamilyTable, Property } from './families/table.js';
export {
  familyOptionsOf,
  familyParametersOf,
  initializerFields,
  initializerKey,
  initializersOf,
  learningRatesOf,
  optionDefaultsOf,
  rateKey,
} from './families/values.js';
export type { Initializers } from './families/values.js';
export {
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
export { runEditKinds, sweepEditKinds } from './edit-kinds.js';
export type { Asked, RunEditKind, SweepEditKind } from './edit-kinds.js';
export { sweepEditSchema, whySchema } from './edits.js';
export type { SweepEdit } from './edits.js';
export { adviceParameters, adviceTrial, adviceValues } from './search-advice.js';
export { expectedPictures } from './expected-pictures.js';
export { expectedTrials, searchCap } from './expected-trials.js';
export {
  feasibilityDraws,
  feasibilityOf,
  previewTrials,
  ruleOf,
  spaceNotices,
} from './search-feasibility.js';
export { expandTrials, gridSize, searchedValues } from './search-space.js';
export type { ParameterValue, PlannedTrial } from './search-space.js';
export {
  blobHashSchema,
  drawingTasks,
  generationRequestSchema,
  inputsOf,
  mostFuseItems,
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
} from './generation-request.js';
export {
  heldDtypes,
  modelCheckpointings,
  modelDevices,
  modelDtypes,
  modelOffloads,
} from './model-holding.js';
export type { ModelDevice, ModelDtype, ModelOffload } from './model-holding.js';
export { presetNames, presetValues } from './presets.js';
export { producerSchema, recipeSchema } from './recipe.js';
export type { Producer, Recipe } from './recipe.js';
export type {
  AdviceCondition,
  AdviceDomain,
  AdviceParameter,
  AdviceValue,
  AdviceValues,
  ForbiddenPoint,
  PairWords,
  PastTrial,
} from './advice.js';
export {
  endedPhases,
  generationPhases,
  generationPhasesWithWorkflow,
  hasSettled,
  hasWorkflow,
  isEnded,
  isOpen,
  runPhases,
  runPhasesWithWorkflow,
  settledPhase,
  sweepPhases,
  sweepPhasesWithWorkflow,
} from './lifecycle.js';
export type { EndedPhase, GenerationPhase, RunPhase, SweepPhase, TrialCounts } from './lifecycle.js';
export { blobSchema, imageBlobSchema } from './resources/blob.js';
export type { Blob, ImageBlob } from './resources/blob.js';
export { datasetImageSchema, datasetSchema } from './resources/dataset.js';
export type { Dataset, DatasetImage } from './resources/dataset.js';
export { embeddingSchema, publications } from './resources/embedding.js';
export type { Embedding, Publication } from './resources/embedding.js';
export { eventSchema } from './resources/event.js';
export type { StoredEvent } from './resources/event.js';
export { generationSchema } from './resources/generation.js';
export type { Generation } from './resources/generation.js';
export {
  earlyStops,
  judgementSchema,
  metricPointSchema,
  runSchema,
  runWishes,
  sampleKinds,
  sampleSchema,
} from './resources/run.js';
export type { EarlyStop, Judgement, MetricPoint, Run, RunWish, Sample, SampleKind } from './resources/run.js';
export { mostNamed, removableKinds, removalSchema } from './resources/removal.js';
export type { RemovableKind, Removal, Removed } from './resources/removal.js';
export { failureSchema } from './resources/shared.js';
export type { Failure } from './resources/shared.js';
export { finalistSchema, sweepDecisionSchema, sweepSchema } from './resources/sweep.js';
export type { Finalist, Gate, Leaderboard, Sweep, SweepDecision } from './resources/sweep.js';
export {
  modelPartSchema,
  modelSchema,
  samplingDefaultsSchema,
  workerModelSchema,
  workerSchema,
} from './resources/worker.js';
export type { Model, ModelPart, Worker, WorkerModel } from './resources/worker.js';
export {
  addPairSchema,
  checkWordsSchema,
  createDatasetSchema,
  createRunSchema,
  createSweepSchema,
  datasetPageSchema,
  decisionPageSchema,
  dropTrialsSchema,
  editRequestSchema,
  embeddingPageSchema,
  eventListSchema,
  extendSweepSchema,
  finalistListSchema,
  forkRunSchema,
  generationPageSchema,
  importEmbeddingSchema,
  largestPage,
  leaderboardPageSchema,
  listDecisionsQuerySchema,
  listEmbeddingsQuerySchema,
  eventIdSchema,
  listEventsQuerySchema,
  listMetricsQuerySchema,
  listQuerySchema,
  listRunsQuerySchema,
  listSamplesQuerySchema,
  listSweepsQuerySchema,
  loginSchema,
  metricPageSchema,
  modelListSchema,
  mostMetrics,
  pickWinnersSchema,
  problemSchema,
  removeQuerySchema,
  runPageSchema,
  samplePageSchema,
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
  ForkRun,
  LeaderboardPage,
  Login,
  Page,
  Problem,
  ServerInfo,
  Status,
  SweepPlan,
  WordsChecked,
} from './api.js';
export { baselineWordOf, judgedLines, unjudgedNote, verdictsOf } from './verdict.js';
export type { Verdict } from './verdict.js';
export { aloneText, endsWorkers, goesAlone } from './worker-deaths.js';
