import { Status } from 'nice-grpc';
import type { CallContext, ServerError } from 'nice-grpc';
import type * as proto from '../gen/murnau/worker/v1/worker.js';
import { fakePicture } from './fake-picture.js';

/** What the drawing calls need of the fake worker around them. */
export interface FakeDrawingHost {
  readonly models: readonly proto.Model[];
  readonly stepMs: number;
  readonly blobs: ReadonlySet<string>;
  /** Generations at work. */
  readonly drawings: Set<string>;
  readonly numericFingerprint: string;
  readonly workerVersion: string;
  /** Waits; throws when the call's stream was broken, and never ends while the worker is frozen. */
  pause(ms: number, life: number): Promise<void>;
  readonly life: number;
  takeFailure(): string | undefined;
  onImage(): void;
  onBegun(id: string): void;
  refuse(context: CallContext, status: Status, code: string, message: string): ServerError;
}

interface Drawing {
  readonly task: string;
  readonly options: proto.DrawOptions | undefined;
  /** What tells its pictures from those of another request. */
  readonly subject: string;
  readonly hashes: readonly string[];
  readonly texts: readonly string[];
}

const defaultSteps = 5;
/** Of more words the rest is not read. */
const mostWords = 77;

async function* draw(
  host: FakeDrawingHost,
  { task, options, subject, hashes, texts }: Drawing,
  context: CallContext,
): AsyncGenerator<{ event: proto.DrawEvent }> {
  const { models, life } = host;
  const model = models.find(({ name }) => name === options?.model);
  const send = (event: NonNullable<proto.DrawEvent['event']>) => ({ event: { event } });
  if (options === undefined || model === undefined) {
    throw host.refuse(context, Status.NOT_FOUND, 'model.not_served', `no model ${options?.model ?? ''}`);
  }
  if (!model.tasks.includes(task)) {
    throw host.refuse(
      context,
      Status.FAILED_PRECONDITION,
      'model.task_not_served',
      `no ${task} by ${model.name}`,
    );
  }
  const missing = hashes.find((hash) => !host.blobs.has(hash));
  if (missing !== undefined) {
    throw host.refuse(context, Status.FAILED_PRECONDITION, 'blob.not_found', `blob ${missing} is missing`);
  }
  host.drawings.add(options.generationId);
  try {
    yield send({ $case: 'progress', value: { step: 0, steps: 0, phase: 'waiting', detail: '' } });
    const planned = host.takeFailure();
    if (planned !== undefined) throw host.refuse(context, Status.INTERNAL, planned, `planned: ${planned}`);
    yield send({
      $case: 'progress',
      value: { step: 0, steps: 0, phase: 'loading', detail: 'text encoder, 1 of 5 parts' },
    });
    const { numericFingerprint, workerVersion } = host;
    yield send({
      $case: 'started',
      value: { modelFingerprint: model.fingerprint, numericFingerprint, workerVersion },
    });
    host.onBegun(options.generationId);
    const long = texts.find((text) => text.split(/\s+/).length > mostWords);
    if (long !== undefined) {
      const message = `The model reads ${mostWords} of the prompt's ${long.split(/\s+/).length} words.`;
      yield send({ $case: 'notice', value: { message } });
    }
    yield* decode(host, options, { subject, life, context });
  } finally {
    host.drawings.delete(options.generationId);
  }
}

async function* decode(
  host: FakeDrawingHost,
  options: proto.DrawOptions,
  { subject, life, context }: { subject: string; life: number; context: CallContext },
): AsyncGenerator<{ event: proto.DrawEvent }> {
  const { count, seed: firstSeed, previewEverySteps: every } = options;
  const numSteps = options.numSteps === 0 ? defaultSteps : options.numSteps;
  const steps = numSteps * count;
  for (let position = 0; position < count; position += 1) {
    const seed = firstSeed + BigInt(position);
    for (let step = 1; step <= numSteps; step += 1) {
      await host.pause(host.stepMs, life);
      if (context.signal.aborted) return;
      const done = position * numSteps + step;
      yield {
        event: { event: { $case: 'progress', value: { step: done, steps, phase: 'decoder', detail: '' } } },
      };
      if (every === 0 || step % every !== 0 || step === numSteps) continue;
      const value = { position, seed, png: fakePicture(`${subject} ${seed} at ${step}`) };
      yield { event: { event: { $case: 'preview', value } } };
    }
    host.onImage();
    const png = fakePicture(`${subject} ${seed}`);
    yield { event: { event: { $case: 'image', value: { position, seed, png } } } };
  }
}

/** The four drawing calls: pictures depend on what is asked for and on their own seed only, as the real ones do. */
export function fakeDrawingCalls(host: () => FakeDrawingHost) {
  return {
    textToImage: ({ options, prompt }: proto.TextToImageRequest, context: CallContext) =>
      draw(host(), { task: 'text2img', options, subject: prompt, hashes: [], texts: [prompt] }, context),
    fuse: ({ options, items }: proto.FuseRequest, context: CallContext) => {
      const texts = items.flatMap(({ content }) => (content?.$case === 'text' ? [content.value] : []));
      const hashes = items.flatMap(({ content }) => (content?.$case === 'imageHash' ? [content.value] : []));
      const subject = items.map(({ content, weight }) => `${weight} ${content?.value ?? ''}`).join(' + ');
      return draw(host(), { task: 'fuse', options, subject, hashes, texts }, context);
    },
    inpaint: ({ options, prompt, imageHash, maskHash }: proto.InpaintRequest, context: CallContext) => {
      const hashes = [imageHash, maskHash];
      const subject = [prompt, ...hashes].join(' in ');
      return draw(host(), { task: 'inpaint', options, subject, hashes, texts: [prompt] }, context);
    },
    imageToImage: (
      { options, prompt, imageHash, strength }: proto.ImageToImageRequest,
      context: CallContext,
    ) => {
      const subject = `${prompt} from ${strength} of ${imageHash}`;
      return draw(
        host(),
        { task: 'img2img', options, subject, hashes: [imageHash], texts: [prompt] },
        context,
      );
    },
  };
}
