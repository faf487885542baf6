export { createAdvisorClient } from './advisor/client.js';
export type {
  AdvisorClient,
  AdvisorClientOptions,
  Importance,
  ImportanceQuestion,
  SuggestQuestion,
} from './advisor/client.js';
export { createGpuClient } from './client.js';
export type { GpuClientOptions } from './client.js';
export type {
  CallControl,
  ConvertedEmbedding,
  ConvertEmbeddingInput,
  DrawEvent,
  DrawnImage,
  DrawStart,
  FinishReason,
  GpuClient,
  ReadBlob,
  TokenProblem,
  TrainEvent,
  TrainSession,
  TrainStart,
  WorkerDescription,
} from './types.js';
export { fakeEmbedding } from './fake/fake-training.js';
export { startFakeWorker } from './fake/fake-worker.js';
export type { FakeWorker, FakeWorkerOptions } from './fake/fake-worker.js';
