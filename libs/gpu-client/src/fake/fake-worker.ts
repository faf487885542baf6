import { createHash } from 'node:crypto';
import { createServer, ServerError, Status } from 'nice-grpc';
import type { CallContext, Server, ServiceImplementation } from 'nice-grpc';
import { messageLimits } from '../channel.js';
import * as proto from '../gen/murnau/worker/v1/worker.js';
import { fakeDrawingCalls } from './fake-drawing.js';
import type { FakeDrawingHost } from './fake-drawing.js';
import { allTasks, modelOf, numericFingerprint, refusal, workerVersion } from './fake-model.js';
import { FakeTraining } from './fake-training.js';
import type { FakeSession, FakeTrainingHost } from './fake-training.js';

/**
 * A worker without a device, for fault injection: it speaks the whole protocol (leases, acknowledgements, epochs) and
 * "learns" a number that depends on the seed and on every step taken, so a lost, doubled or reordered step shows.
 */
export interface FakeWorkerOptions {
  readonly port?: number;
  /** Default: `fake`. */
  readonly models?: readonly string[];
  /** Tasks that its models' files allow. Default: all. */
  readonly tasks?: readonly string[];
  readonly slots?: number;
  /** Runs that it takes at once; more are refused. Default: any number, as of one that stands for several workers. */
  readonly mostRuns?: number;
  /** Time of one step, in milliseconds. Default 5. */
  readonly stepMs?: number;
  /** How long the client may be silent, in milliseconds. Default 3000. */
  readonly leaseMs?: number;
  /** A run, or a generation, has begun here. */
  readonly onBegun?: (id: string) => void;
}

export interface FakeWorker {
  readonly address: string;
  /** Runs being trained now. */
  readonly sessions: ReadonlyMap<string, { readonly epoch: number; readonly step: number }>;
  /** Steps computed since the start, replays included. */
  readonly stepsDone: number;
  readonly blobs: ReadonlySet<string>;
  /** Generations being drawn now. */
  readonly drawings: ReadonlySet<string>;
  /** Pictures drawn since the start, repetitions included. */
  readonly picturesDone: number;
  /** Runs refused since the start because all slots were taken. */
  readonly refusals: number;
  /** Breaks every open stream, as a network would. */
  dropStreams(): void;
  /** Sends nothing more, as a stopped process would. */
  freeze(): void;
  /** The next Train or drawing calls fail with this error. */
  failNext(code: string, count?: number): void;
  /** The loss of this step is no number; undefined: every step's is one. */
  divergeAt(step: number | undefined): void;
  /** Ends the server at once, open streams included. */
  kill(): Promise<void>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class Fake {
  readonly sessions = new Map<string, FakeSession>();
  readonly blobs = new Set<string>();
  readonly drawings = new Set<string>();
  readonly incarnation = Math.random().toString(16).slice(2);
  stepsDone = 0;
  picturesDone = 0;
  refusals = 0;
  /** Counts the times that all streams were broken. */
  generation = 0;
  isFrozen = false;
  divergesAt: number | undefined;
  private readonly failures: string[] = [];

  constructor(readonly options: Required<Omit<FakeWorkerOptions, 'port'>>) {}

  failNext(code: string, count = 1): void {
    for (let index = 0; index < count; index += 1) this.failures.push(code);
  }

  private drawingHost(): FakeDrawingHost {
    const { stepMs, onBegun } = this.options;
    return {
      models: this.models(),
      stepMs,
      onBegun,
      blobs: this.blobs,
      drawings: this.drawings,
      numericFingerprint,
      workerVersion,
      life: this.generation,
      pause: async (ms, life) => {
        await pause(ms);
        while (this.isFrozen && life === this.generation) await pause(10);
        if (life !== this.generation) throw new ServerError(Status.UNAVAILABLE, 'dropped');
      },
      takeFailure: () => this.failures.shift(),
      onImage: () => void (this.picturesDone += 1),
      refuse: refusal,
    };
  }

  private models(): proto.Model[] {
    const { models, tasks } = this.options;
    return models.map((model) => modelOf(model, tasks));
  }

  private trainingHost(): FakeTrainingHost {
    const { stepMs, leaseMs, mostRuns, onBegun } = this.options;
    return {
      stepMs,
      leaseMs,
      mostRuns,
      onBegun,
      onRefusal: () => void (this.refusals += 1),
      blobs: this.blobs,
      sessions: this.sessions,
      divergesAt: () => this.divergesAt,
      takeFailure: () => this.failures.shift(),
      onStep: () => void (this.stepsDone += 1),
    };
  }

  async *train(
    requests: AsyncIterable<proto.TrainRequest>,
    context: CallContext,
  ): AsyncGenerator<proto.TrainResponse> {
    const { generation } = this;
    const training = new FakeTraining(this.trainingHost(), context);
    void training.listen(requests).catch(() => undefined);
    let end: { failure: unknown } | undefined;
    void training
      .work()
      .then(() => (end = { failure: undefined }))
      .catch((failure: unknown) => (end = { failure }))
      .finally(() => training.wakeSignal.wake());
    let lastAliveMs = 0;
    for (;;) {
      if (generation !== this.generation) throw new ServerError(Status.UNAVAILABLE, 'dropped');
      if (this.isFrozen) await pause(10);
      else if (Date.now() - lastAliveMs >= 1_000) {
        lastAliveMs = Date.now();
        const { step } = training;
        yield {
          event: { $case: 'alive', value: { step, progressAgeS: 0, phase: 'training', stepsPerSecond: 0 } },
        };
      } else {
        const event = training.take();
        if (event !== undefined) yield { event };
        else if (end !== undefined) break;
        else await training.wakeSignal.wait(20);
      }
    }
    const { failure } = end;
    if (failure === undefined) return;
    throw failure instanceof ServerError ? failure : new ServerError(Status.INTERNAL, String(failure));
  }

  service(): ServiceImplementation<typeof proto.WorkerServiceDefinition> {
    const { slots } = this.options;
    return {
      describe: () =>
        Promise.resolve({
          workerVersion,
          device: { kind: 'cpu', name: 'fake', memoryBytes: 1n, memoryUsedBytes: 1n, threads: 1 },
          models: this.models(),
          slots,
          running: this.sessions.size,
          generating: this.drawings.size,
          stepsPerSecond: 0,
          progressAgeS: 0,
          incarnation: this.incarnation,
          numericFingerprint,
        }),
      missingBlobs: ({ hashes }) =>
        Promise.resolve({ hashes: hashes.filter((hash) => !this.blobs.has(hash)) }),
      putBlobs: async (chunks, context) => {
        let parts: Buffer[] = [];
        let received = 0;
        for await (const { hash, chunk, last } of chunks) {
          parts.push(chunk);
          if (!last) continue;
          if (createHash('sha256').update(Buffer.concat(parts)).digest('hex') !== hash) {
            throw refusal(context, Status.DATA_LOSS, 'blob.corrupt', `blob ${hash} is corrupt`);
          }
          this.blobs.add(hash);
          parts = [];
          received += 1;
        }
        return { received };
      },
      train: (requests, context) => this.train(requests, context),
      ...fakeDrawingCalls(() => this.drawingHost()),
      convertEmbedding: (request) =>
        Promise.resolve({
          file: request.file,
          placeholderToken: request.placeholderToken === '' ? 'sapsan' : request.placeholderToken,
          initializerToken: '',
          numVectors: 1,
          pooling: 'eot',
          step: 0,
        }),
      checkTokens: ({ placeholderToken }) =>
        Promise.resolve({
          problems:
            placeholderToken === 'train'
              ? [
                  {
                    code: 'placeholder.known_word',
                    message: '"train" is a known word.',
                    field: 'placeholder_token',
                    given: 'train',
                    allowed: '',
                  },
                ]
              : [],
        }),
    };
  }
}

export async function startFakeWorker(options: FakeWorkerOptions = {}): Promise<FakeWorker> {
  const { port = 0, models = ['fake'], tasks = allTasks, slots = 2, stepMs = 5, leaseMs = 3_000 } = options;
  const { onBegun = () => undefined, mostRuns = Infinity } = options;
  const fake = new Fake({ models, tasks, slots, mostRuns, stepMs, leaseMs, onBegun });
  const server: Server = createServer(messageLimits);
  server.add(proto.WorkerServiceDefinition, fake.service());
  const bound = await server.listen(`127.0.0.1:${port}`);
  return {
    address: `127.0.0.1:${bound}`,
    sessions: fake.sessions,
    blobs: fake.blobs,
    drawings: fake.drawings,
    get picturesDone() {
      return fake.picturesDone;
    },
    get refusals() {
      return fake.refusals;
    },
    get stepsDone() {
      return fake.stepsDone;
    },
    dropStreams: () => void (fake.generation += 1),
    freeze: () => void (fake.isFrozen = true),
    failNext: (code, count) => fake.failNext(code, count),
    divergeAt: (step) => void (fake.divergesAt = step),
    kill: async () => {
      fake.generation += 1;
      server.forceShutdown();
      await pause(20);
    },
  };
}
