import { createHash } from 'node:crypto';
import { createServer, ServerError, Status } from 'nice-grpc';
import type { CallContext, Server, ServiceImplementation } from 'nice-grpc';
import { fakeDrawingCalls } from './fake-drawing.js';
import { Bell } from './bell.js';
import type { FakeDrawingHost } from './fake-drawing.js';
import { fakePicture } from './fake-picture.js';
import * as proto from './gen/murnau/worker/v1/worker.js';

/**
 * A worker without a device, for fault injection: it speaks the whole protocol (leases, acknowledgements, epochs) and
 * "learns" a number that depends on the seed and on every step taken, so a lost, doubled or reordered step shows.
 */
export interface FakeWorkerOptions {
  readonly port?: number;
  readonly model?: string;
  /** Tasks that its model's files allow. Default: all. */
  readonly tasks?: readonly string[];
  readonly slots?: number;
  /** Time of one step, in milliseconds. Default 5. */
  readonly stepMs?: number;
  /** How long the client may be silent, in milliseconds. Default 3000. */
  readonly leaseMs?: number;
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

interface Session {
  epoch: number;
  step: number;
  isSuperseded: boolean;
}

interface State {
  step: number;
  value: string;
}

/** The embedding that an undisturbed run of this seed has at this step. */
export function fakeEmbedding(seed: number, steps: number): string {
  let value = createHash('sha256').update(`seed ${seed}`).digest('hex');
  for (let step = 1; step <= steps; step += 1) value = nextValue(value, step);
  return value;
}

const nextValue = (value: string, step: number): string =>
  createHash('sha256').update(`${value} ${step}`).digest('hex');

/** Evaluations after which its runs have settled, where that ends them. */
const settlesAfter = 8;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function refusal(context: CallContext, status: Status, code: string, message: string): ServerError {
  const detail = proto.ErrorDetail.encode({ code, message, field: '', given: '', allowed: '' }).finish();
  context.trailer.set('murnau-error-bin', detail);
  return new ServerError(status, message);
}

const allTasks = ['train', 'text2img', 'fuse', 'inpaint', 'img2img'];
const parts = ['text_encoder', 'clip_text', 'clip_image', 'prior', 'unet', 'inpaint_unet', 'movq'];

function modelOf(name: string, tasks: readonly string[]): proto.Model {
  return {
    name,
    family: 'kandinsky-2.1',
    fingerprint: 'f'.repeat(64),
    imageSize: 64,
    widthT1: 64,
    widthT2: 48,
    loaded: true,
    judge: '',
    sampling: { numSteps: 5, guidanceScale: 4, priorSteps: '3', priorGuidanceScale: 2 },
    vocabularyRmsT1: 1,
    vocabularyRmsT2: 1,
    parts: parts.map((part) => ({ name: part, loaded: part === 'unet', sizeBytes: 1_000_000n })),
    tasks: [...tasks],
    dtype: 'float32',
  };
}

class Fake {
  readonly sessions = new Map<string, Session>();
  readonly blobs = new Set<string>();
  readonly drawings = new Set<string>();
  readonly incarnation = Math.random().toString(16).slice(2);
  stepsDone = 0;
  picturesDone = 0;
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
    const { model, tasks, stepMs } = this.options;
    return {
      model: modelOf(model, tasks),
      stepMs,
      blobs: this.blobs,
      drawings: this.drawings,
      numericFingerprint: 'fake',
      workerVersion: '0.0.0',
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

  async *train(
    requests: AsyncIterable<proto.TrainRequest>,
    context: CallContext,
  ): AsyncGenerator<proto.TrainResponse> {
    const events: proto.TrainResponse[] = [];
    const generation = this.generation;
    let failure: ServerError | undefined;
    let acknowledged = 0;
    let lastHeardMs = Date.now();
    let isDone = false;
    let start: proto.TrainStart | undefined;
    const bell = new Bell();
    const send = (event: NonNullable<proto.TrainResponse['event']>): void => {
      events.push({ event });
      bell.ring();
    };

    const listen = async (): Promise<void> => {
      for await (const { message } of requests) {
        lastHeardMs = Date.now();
        if (message?.$case === 'start') start = message.value;
        if (message?.$case === 'acknowledged') acknowledged = Math.max(acknowledged, message.value.step);
        bell.ring();
      }
    };
    const listening = listen().catch(() => undefined);
    const shouldStop = (session: Session): boolean =>
      context.signal.aborted || session.isSuperseded || Date.now() - lastHeardMs > this.options.leaseMs;

    const learn = async (request: proto.TrainStart): Promise<void> => {
      const { runId, untilStep, spec } = request;
      if (spec === undefined)
        throw refusal(context, Status.INVALID_ARGUMENT, 'spec.invalid', 'spec is missing');
      const epoch = Number(request.epoch);
      const older = this.sessions.get(runId);
      if (older !== undefined && older.epoch >= epoch) {
        throw refusal(context, Status.FAILED_PRECONDITION, 'claim.stale', 'a newer claim trains here');
      }
      if (older !== undefined) older.isSuperseded = true;
      if (request.images.some(({ hash }) => !this.blobs.has(hash))) {
        throw refusal(context, Status.FAILED_PRECONDITION, 'blob.not_found', 'a picture is missing');
      }
      const planned = this.failures.shift();
      if (planned !== undefined) throw refusal(context, Status.INTERNAL, planned, `planned: ${planned}`);
      const state: State =
        request.state === undefined
          ? { step: 0, value: fakeEmbedding(Number(spec.seed), 0) }
          : (JSON.parse(request.state.toString()) as State);
      const session: Session = { epoch, step: state.step, isSuperseded: false };
      this.sessions.set(runId, session);
      acknowledged = request.acknowledgedStep;
      send({
        $case: 'started',
        value: {
          step: state.step,
          numericFingerprint: 'fake',
          modelFingerprint: 'f'.repeat(64),
          loadingS: 0,
        },
      });
      const checkpoint = (): void => {
        const embedding = Buffer.from(state.value);
        send({
          $case: 'checkpoint',
          value: { step: state.step, state: Buffer.from(JSON.stringify(state)), embedding },
        });
      };
      const metric = (name: string, value: number): void =>
        send({ $case: 'metrics', value: { step: state.step, values: { [name]: value } } });
      const sample = (kind: proto.SampleKind, position: number): void =>
        send({
          $case: 'sample',
          value: {
            step: state.step,
            kind,
            position,
            prompt: `a photo of a ${spec.placeholderToken}`,
            seed: BigInt(position),
            png: fakePicture(`${state.value} ${kind} ${position}`),
            imageAlignment: 0.5,
          },
        });
      try {
        if (state.step === 0) {
          sample(proto.SampleKind.SAMPLE_KIND_PROGRESS, 0);
          checkpoint();
        }
        while (state.step < untilStep) {
          while (state.step >= acknowledged + spec.checkpointEverySteps && !shouldStop(session))
            await bell.wait(20);
          await pause(this.options.stepMs);
          if (shouldStop(session)) break;
          if (state.step + 1 === this.divergesAt) {
            const message = `the loss is no number any more at step ${this.divergesAt}`;
            throw refusal(context, Status.INTERNAL, 'run.diverged', message);
          }
          state.step += 1;
          state.value = nextValue(state.value, state.step);
          session.step = state.step;
          this.stepsDone += 1;
          metric('train_loss', 1 / state.step);
          const { everySteps = 0, finalCount = 0 } = spec.samples ?? {};
          const isEval = spec.evalEverySteps > 0 && state.step % spec.evalEverySteps === 0;
          const isSample = everySteps > 0 && state.step % everySteps === 0;
          const isLast = state.step === untilStep;
          const hasSettled = spec.stopAtPlateau && isEval && state.step >= settlesAfter * spec.evalEverySteps;
          const isEnd = state.step === spec.maxSteps || hasSettled;
          if (isEval || isLast) metric('eval_gain', 1 - 1 / (state.step + Number(spec.seed)));
          if (isEval || isLast) metric('eval_loss', 1 / (state.step + Number(spec.seed)));
          if (isSample) sample(proto.SampleKind.SAMPLE_KIND_PROGRESS, 0);
          if (hasSettled) metric('plateau', 1);
          if (isEnd && finalCount > 0) {
            const value = { step: state.step, judge: 'fake', concept: 'thing', baselineWord: 'train' };
            send({ $case: 'judgement', value });
            for (let position = 0; position < finalCount; position += 1) {
              sample(proto.SampleKind.SAMPLE_KIND_FINAL, position);
              sample(proto.SampleKind.SAMPLE_KIND_BASELINE, position);
              sample(proto.SampleKind.SAMPLE_KIND_FUSE_BASELINE, position);
            }
          }
          if (isEval || isSample || isLast || state.step % spec.checkpointEverySteps === 0) checkpoint();
          if (hasSettled) break;
        }
        const settlesAt = spec.stopAtPlateau ? settlesAfter * spec.evalEverySteps : Infinity;
        const reason = session.isSuperseded
          ? proto.FinishReason.FINISH_REASON_SUPERSEDED
          : state.step >= settlesAt
            ? proto.FinishReason.FINISH_REASON_PLATEAU
            : proto.FinishReason.FINISH_REASON_UNTIL_STEP;
        if (state.step >= Math.min(untilStep, settlesAt) || session.isSuperseded) {
          send({ $case: 'finished', value: { step: state.step, reason } });
        } else {
          throw refusal(context, Status.ABORTED, 'worker.lost', 'the client was silent');
        }
      } finally {
        if (this.sessions.get(runId) === session) this.sessions.delete(runId);
      }
    };

    const working = (async (): Promise<void> => {
      while (start === undefined) {
        if (context.signal.aborted) return;
        await bell.wait(20);
      }
      await learn(start);
    })()
      .catch((error: unknown) => {
        failure = error instanceof ServerError ? error : new ServerError(Status.INTERNAL, String(error));
      })
      .finally(() => {
        isDone = true;
        bell.ring();
      });

    let lastAliveMs = 0;
    for (;;) {
      if (generation !== this.generation) throw new ServerError(Status.UNAVAILABLE, 'dropped');
      if (this.isFrozen) await pause(10);
      else if (Date.now() - lastAliveMs >= 1_000) {
        lastAliveMs = Date.now();
        const step = start === undefined ? 0 : (this.sessions.get(start.runId)?.step ?? 0);
        yield {
          event: { $case: 'alive', value: { step, progressAgeS: 0, phase: 'training', stepsPerSecond: 0 } },
        };
      } else {
        const event = events.shift();
        if (event !== undefined) yield event;
        else if (isDone) break;
        else await bell.wait(20);
      }
    }
    await working;
    if (failure !== undefined) throw failure;
    void listening;
  }

  service(): ServiceImplementation<typeof proto.WorkerServiceDefinition> {
    const { model, tasks, slots } = this.options;
    return {
      describe: () =>
        Promise.resolve({
          workerVersion: '0.0.0',
          device: { kind: 'cpu', name: 'fake', memoryBytes: 1n, memoryUsedBytes: 1n, threads: 1 },
          models: [modelOf(model, tasks)],
          slots,
          running: this.sessions.size,
          generating: this.drawings.size,
          stepsPerSecond: 0,
          progressAgeS: 0,
          incarnation: this.incarnation,
          numericFingerprint: 'fake',
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
          pooling: proto.Pooling.POOLING_EOT,
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
  const { port = 0, model = 'fake', tasks = allTasks, slots = 2, stepMs = 5, leaseMs = 3_000 } = options;
  const fake = new Fake({ model, tasks, slots, stepMs, leaseMs });
  const server: Server = createServer();
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
