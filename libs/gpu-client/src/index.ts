export { createAdvisorClient } from './advisor/client.js';
export type { AdvisorClient, ImportanceQuestion, SuggestQuestion } from './advisor/client.js';
export { createGpuClient } from './client.js';
export type {
  DrawEvent,
  FinishReason,
  GpuClient,
  TrainEvent,
  TrainSession,
  WorkerDescription,
} from './types.js';
export { fakeEmbedding } from './fake/fake-training.js';
export { startFakeWorker } from './fake/fake-worker.js';
export type { FakeWorker, FakeWorkerOptions } from './fake/fake-worker.js';
