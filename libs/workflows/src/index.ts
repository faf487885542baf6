/** Entry of the workflow bundle: every exported function is a workflow type or a message. */
export { embeddingConversion } from './embedding-conversion/embedding-conversion.js';
export { generation, generationStatusQuery } from './generation/generation.js';
export { cancelUpdate } from './stop-request.js';
export { sweep, sweepStatusQuery, trialEndedSignal } from './sweep/sweep.js';
export { tokenCheck } from './token-check/token-check.js';
export { runStatusQuery, trainingRun } from './training-run/training-run.js';
