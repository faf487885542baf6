/** Entry of the workflow bundle: every exported function is a workflow type or a message. */
export { generation, generationStatusQuery } from './generation/workflow.js';
export { cancelUpdate } from './run-to-end.js';
export { sweep, sweepStatusQuery, trialEndedSignal } from './sweep/workflow.js';
export { embeddingConversion } from './text/embedding-conversion.js';
export { tokenCheck } from './text/token-check.js';
export { runStatusQuery, trainingRun } from './training-run/workflow.js';
