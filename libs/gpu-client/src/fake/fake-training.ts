import { createHash } from 'node:crypto';
import { Status } from 'nice-grpc';
import type { CallContext } from 'nice-grpc';
import { WakeSignal } from '../wake-signal.js';
import * as proto from '../gen/murnau/worker/v1/worker.js';
import { fingerprint, numericFingerprint, refusal } from './fake-model.js';
import { fakePicture } from './fake-picture.js';

/** A run at work. */
export interface FakeSession {
  readonly epoch: number;
  step: number;
  isSuperseded: boolean;
}

export interface FakeTrainingHost {
  readonly stepMs: number;
  readonly leaseMs: number;
  /** Runs at once. */
  readonly mostRuns: number;
  readonly blobs: ReadonlySet<string>;
  /** By run. */
  readonly sessions: Map<string, FakeSession>;
  /** The step whose loss is no number. */
  divergesAt(): number | undefined;
  takeFailure(): string | undefined;
  onStep(): void;
  onBegun(id: string): void;
  /** All slots were taken. */
  onRefusal(): void;
}

type Event = NonNullable<proto.TrainResponse['event']>;

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

/** One call of Train: what its client says, and what it is to be sent. */
export class FakeTraining {
  readonly wakeSignal = new WakeSignal();
  private readonly events: Event[] = [];
  private start: proto.TrainStart | undefined;
  private acknowledged = 0;
  private lastHeardMs = Date.now();

  constructor(
    private readonly host: FakeTrainingHost,
    private readonly context: CallContext,
  ) {}

  /** Step that it has come to. */
  get step(): number {
    return this.start === undefined ? 0 : (this.host.sessions.get(this.start.runId)?.step ?? 0);
  }

  /** The next event, if one waits to be sent. */
  take(): Event | undefined {
    return this.events.shift();
  }

  async listen(requests: AsyncIterable<proto.TrainRequest>): Promise<void> {
    for await (const { message } of requests) {
      this.lastHeardMs = Date.now();
      if (message?.$case === 'start') this.start = message.value;
      if (message?.$case === 'acknowledged') {
        this.acknowledged = Math.max(this.acknowledged, message.value.step);
      }
      this.wakeSignal.wake();
    }
  }

  /** Waits for the start, and trains until its last step, a newer claim, or the client's silence. */
  async work(): Promise<void> {
    while (this.start === undefined) {
      if (this.context.signal.aborted) return;
      await this.wakeSignal.wait(20);
    }
    const { start } = this;
    const { sessions } = this.host;
    const session = this.claim(start);
    try {
      await this.learn(start, session);
    } finally {
      if (sessions.get(start.runId) === session) sessions.delete(start.runId);
    }
  }

  private claim(start: proto.TrainStart): FakeSession {
    const { context, host } = this;
    const epoch = Number(start.epoch);
    const older = host.sessions.get(start.runId);
    if (older !== undefined && older.epoch >= epoch) {
      throw refusal(context, Status.FAILED_PRECONDITION, 'claim.stale', 'a newer claim trains here');
    }
    if (older === undefined && host.sessions.size >= host.mostRuns) {
      host.onRefusal();
      throw refusal(
        context,
        Status.UNAVAILABLE,
        'worker.unavailable',
        `all ${host.mostRuns} slots are taken`,
      );
    }
    if (older !== undefined) older.isSuperseded = true;
    if (start.images.some(({ hash }) => !host.blobs.has(hash))) {
      throw refusal(context, Status.FAILED_PRECONDITION, 'blob.not_found', 'a picture is missing');
    }
    const planned = host.takeFailure();
    if (planned !== undefined) throw refusal(context, Status.INTERNAL, planned, `planned: ${planned}`);
    const session = { epoch, step: 0, isSuperseded: false };
    host.sessions.set(start.runId, session);
    return session;
  }

  private async learn(start: proto.TrainStart, session: FakeSession): Promise<void> {
    const { untilStep, spec } = start;
    if (spec === undefined) {
      throw refusal(this.context, Status.INVALID_ARGUMENT, 'spec.invalid', 'spec is missing');
    }
    const state: State =
      start.state === undefined
        ? { step: 0, value: fakeEmbedding(Number(spec.seed), 0) }
        : (JSON.parse(start.state.toString()) as State);
    session.step = state.step;
    this.acknowledged = start.acknowledgedStep;
    const { step } = state;
    this.send({
      $case: 'started',
      value: { step, numericFingerprint, modelFingerprint: fingerprint, loadingS: 0 },
    });
    this.host.onBegun(start.runId);
    if (state.step === 0) {
      this.sample(state, spec, proto.SampleKind.SAMPLE_KIND_PROGRESS, 0);
      this.checkpoint(state);
    }
    const { stopAtPlateau = false, everySteps = 0 } = spec.evaluation ?? {};
    const settlesAt = stopAtPlateau && everySteps > 0 ? settlesAfter * everySteps : Infinity;
    const lastStep = Math.min(untilStep, settlesAt);
    while (state.step < lastStep) {
      await this.untilStored(state.step - spec.checkpointEverySteps, session);
      await pause(this.host.stepMs);
      if (this.shouldStop(session)) break;
      this.advance(state, session);
      this.report(state, spec, { untilStep, hasSettled: state.step >= settlesAt });
    }
    this.finish(state.step, lastStep, session, state.step >= settlesAt);
  }

  /** Its client is told no more than a checkpoint's steps ahead of what it has stored. */
  private async untilStored(step: number, session: FakeSession): Promise<void> {
    while (step >= this.acknowledged && !this.shouldStop(session)) await this.wakeSignal.wait(20);
  }

  private advance(state: State, session: FakeSession): void {
    const divergesAt = this.host.divergesAt();
    if (state.step + 1 === divergesAt) {
      const message = `the loss is no number any more at step ${divergesAt}`;
      throw refusal(this.context, Status.INTERNAL, 'run.diverged', message);
    }
    state.step += 1;
    state.value = nextValue(state.value, state.step);
    session.step = state.step;
    this.host.onStep();
  }

  /** What is due at a step: metrics, pictures, the judgement, and a checkpoint. */
  private report(
    state: State,
    spec: proto.TrainingSpec,
    { untilStep, hasSettled }: { untilStep: number; hasSettled: boolean },
  ): void {
    const { step } = state;
    const metric = (name: string, value: number): void =>
      this.send({ $case: 'metrics', value: { step, values: { [name]: value } } });
    const { everySteps = 0, finalCount = 0 } = spec.samples ?? {};
    const isDue = (every: number): boolean => every > 0 && step % every === 0;
    const isLast = step === untilStep;
    const isEvaluated = isDue(spec.evaluation?.everySteps ?? 0) || isLast;
    metric('train_loss', 1 / step);
    if (isEvaluated) metric('eval_gain', 1 - 1 / (step + Number(spec.seed)));
    if (isEvaluated) metric('eval_loss', 1 / (step + Number(spec.seed)));
    if (isDue(everySteps)) this.sample(state, spec, proto.SampleKind.SAMPLE_KIND_PROGRESS, 0);
    if (hasSettled) metric('plateau', 1);
    if ((step === spec.maxSteps || hasSettled) && finalCount > 0) {
      this.send({
        $case: 'judgement',
        value: { step, judge: 'fake', concept: 'thing', baselineWord: 'train' },
      });
      for (let position = 0; position < finalCount; position += 1) {
        this.sample(state, spec, proto.SampleKind.SAMPLE_KIND_FINAL, position);
        this.sample(state, spec, proto.SampleKind.SAMPLE_KIND_BASELINE, position);
        this.sample(state, spec, proto.SampleKind.SAMPLE_KIND_FUSE_BASELINE, position);
      }
    }
    if (isEvaluated || isDue(everySteps) || isDue(spec.checkpointEverySteps)) this.checkpoint(state);
  }

  private finish(step: number, lastStep: number, session: FakeSession, hasSettled: boolean): void {
    if (step < lastStep && !session.isSuperseded) {
      throw refusal(this.context, Status.ABORTED, 'worker.lost', 'the client was silent');
    }
    const reason = session.isSuperseded
      ? proto.FinishReason.FINISH_REASON_SUPERSEDED
      : hasSettled
        ? proto.FinishReason.FINISH_REASON_PLATEAU
        : proto.FinishReason.FINISH_REASON_UNTIL_STEP;
    this.send({ $case: 'finished', value: { step, reason } });
  }

  private shouldStop(session: FakeSession): boolean {
    const isSilent = Date.now() - this.lastHeardMs > this.host.leaseMs;
    return this.context.signal.aborted || session.isSuperseded || isSilent;
  }

  private checkpoint({ step, value }: State): void {
    const state = Buffer.from(JSON.stringify({ step, value }));
    this.send({ $case: 'checkpoint', value: { step, state, embedding: Buffer.from(value) } });
  }

  private sample(
    { step, value }: State,
    { concept }: proto.TrainingSpec,
    kind: proto.SampleKind,
    position: number,
  ): void {
    this.send({
      $case: 'sample',
      value: {
        step,
        kind,
        position,
        prompt: `a photo of a ${concept?.placeholderToken ?? ''}`,
        seed: BigInt(position),
        png: fakePicture(`${value} ${kind} ${position}`),
        imageAlignment: 0.5,
      },
    });
  }

  private send(event: Event): void {
    this.events.push(event);
    this.wakeSignal.wake();
  }
}
