import { createChannel, createClientFactory } from 'nice-grpc';
import { divide, uploads } from './blobs.js';
import { callMiddleware } from './calls.js';
import { channelOptions } from './channel.js';
import { toDescription } from './convert/description.js';
import { toConvertedEmbedding, toProtoConvertRequest } from './convert/embedding.js';
import { toProblem } from './convert/error-detail.js';
import { toDrawEvent, toDrawRequest } from './convert/drawing.js';
import type { DrawRequest } from './convert/drawing.js';
import { WorkerServiceDefinition } from './gen/murnau/worker/v1/worker.js';
import type { TextToImageResponse } from './gen/murnau/worker/v1/worker.js';
import { workerPeer } from './peer.js';
import { openTrainSession } from './train-session.js';
import type { CallControl, DrawEvent, DrawStart, GpuClient, ReadBlob } from './types.js';

interface GpuClientOptions {
  /** `host:port`. */
  readonly address: string;
  /** Longest wait for a call that answers once and computes nothing, in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

/** Uploads at once: one fills a loopback or a LAN; a second hides the store's reading. */
const uploadStreams = 2;
const uploadTimeoutMs = 120_000;
const conversionTimeoutMs = 30_000;
/** `alive` and progress come each second, waiting and loading included; a machine short of cores may be late. */
const silenceMs = 5_000;

/** The one way to a worker. Every error it throws is a MurnauError with its cause, or the caller's own abort. */
export function createGpuClient({ address, timeoutMs = 5_000 }: GpuClientOptions): GpuClient {
  const channel = createChannel(address, undefined, channelOptions);
  const streamed = { timeoutMs: silenceMs };
  const client = createClientFactory()
    .use(callMiddleware(workerPeer, timeoutMs))
    .create(WorkerServiceDefinition, channel, {
      putBlobs: { timeoutMs: uploadTimeoutMs },
      convertEmbedding: { timeoutMs: conversionTimeoutMs },
      train: streamed,
      textToImage: streamed,
      fuse: streamed,
      inpaint: streamed,
      imageToImage: streamed,
    });

  async function ensureBlobs(
    hashes: readonly string[],
    read: ReadBlob,
    control?: CallControl,
  ): Promise<number> {
    const wanted = [...new Set(hashes)];
    const { hashes: missing } = await client.missingBlobs({ hashes: wanted }, control);
    await Promise.all(
      divide(missing, uploadStreams).map((part) => client.putBlobs(uploads(part, read), control)),
    );
    return missing.length;
  }

  /** The four calls answer alike. */
  function call(drawing: DrawRequest, control?: CallControl): AsyncIterable<TextToImageResponse> {
    switch (drawing.task) {
      case 'text2img':
        return client.textToImage(drawing.request, control);
      case 'fuse':
        return client.fuse(drawing.request, control);
      case 'inpaint':
        return client.inpaint(drawing.request, control);
      case 'img2img':
        return client.imageToImage(drawing.request, control);
    }
  }

  async function* draw(start: DrawStart, control?: CallControl): AsyncGenerator<DrawEvent> {
    for await (const { event } of call(toDrawRequest(start), control)) {
      const known = toDrawEvent(event);
      if (known !== undefined) yield known;
    }
  }

  return {
    address,
    describe: async (control) => toDescription(await client.describe({}, control)),
    ensureBlobs,
    train: (start, control) => openTrainSession(client, start, control),
    draw,
    convertEmbedding: async (input, control) =>
      toConvertedEmbedding(await client.convertEmbedding(toProtoConvertRequest(input), control)),
    checkTokens: async (words, control) => {
      const request = {
        model: words.model,
        placeholderToken: words.placeholder_token ?? '',
        initializerToken: words.initializer_token ?? '',
        initializers: words.initializers ?? {},
        numVectors: words.num_vectors ?? 1,
      };
      const { problems } = await client.checkTokens(request, control);
      return problems.map(toProblem);
    },
    close: () => channel.close(),
  };
}
