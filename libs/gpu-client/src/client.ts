import { createChannel, createClient } from 'nice-grpc';
import type { CallOptions } from 'nice-grpc-common';
import { divide, uploads } from './blobs.js';
import { callOnce, readStream } from './calls.js';
import { channelOptions } from './channel.js';
import { toDescription } from './convert/description.js';
import { toConvertedEmbedding, toProtoConvertRequest } from './convert/embedding.js';
import { toProblem } from './convert/error-detail.js';
import { toDrawEvent, toDrawRequest } from './convert/drawing.js';
import type { DrawRequest } from './convert/drawing.js';
import { WorkerServiceDefinition } from './gen/murnau/worker/v1/worker.js';
import type { TextToImageResponse } from './gen/murnau/worker/v1/worker.js';
import { openTrainSession } from './train-session.js';
import type { CallControl, DrawEvent, DrawStart, GpuClient, ReadBlob } from './types.js';

export interface GpuClientOptions {
  /** `host:port`. */
  readonly address: string;
  /** Longest wait for a call that answers once and computes nothing, in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

/** Uploads at once: one fills a loopback or a LAN; a second hides the store's reading. */
const uploadStreams = 2;
const uploadTimeoutMs = 120_000;
const conversionTimeoutMs = 30_000;
/** Progress comes each second, waiting and loading included. */
const drawSilenceMs = 5_000;

/** The one way to a worker. Every error it throws is a MurnauError with its cause, or the caller's own abort. */
export function createGpuClient({ address, timeoutMs = 5_000 }: GpuClientOptions): GpuClient {
  const channel = createChannel(address, undefined, channelOptions);
  const client = createClient(WorkerServiceDefinition, channel);

  async function ensureBlobs(
    hashes: readonly string[],
    read: ReadBlob,
    control?: CallControl,
  ): Promise<number> {
    const wanted = [...new Set(hashes)];
    const { hashes: missing } = await callOnce('MissingBlobs', timeoutMs, control, (options) =>
      client.missingBlobs({ hashes: wanted }, options),
    );
    await Promise.all(
      divide(missing, uploadStreams).map((part) =>
        callOnce('PutBlobs', uploadTimeoutMs, control, (options) =>
          client.putBlobs(uploads(part, read), options),
        ),
      ),
    );
    return missing.length;
  }

  /** The four calls answer alike. */
  function call(drawing: DrawRequest, options: CallOptions): AsyncIterable<TextToImageResponse> {
    switch (drawing.task) {
      case 'text2img':
        return client.textToImage(drawing.request, options);
      case 'fuse':
        return client.fuse(drawing.request, options);
      case 'inpaint':
        return client.inpaint(drawing.request, options);
      case 'img2img':
        return client.imageToImage(drawing.request, options);
    }
  }

  async function* draw(start: DrawStart, control?: CallControl): AsyncGenerator<DrawEvent> {
    const request = toDrawRequest(start);
    const responses = readStream(drawSilenceMs, control, (options) => call(request, options));
    for await (const { event } of responses) {
      const known = toDrawEvent(event);
      if (known !== undefined) yield known;
    }
  }

  return {
    address,
    describe: async (control) =>
      toDescription(
        await callOnce('Describe', timeoutMs, control, (options) => client.describe({}, options)),
      ),
    ensureBlobs,
    train: (start, control) => openTrainSession(client, start, control),
    draw,
    convertEmbedding: async (input, control) =>
      toConvertedEmbedding(
        await callOnce('ConvertEmbedding', conversionTimeoutMs, control, (options) =>
          client.convertEmbedding(toProtoConvertRequest(input), options),
        ),
      ),
    checkTokens: async (words, control) => {
      const request = {
        model: words.model,
        placeholderToken: words.placeholder_token ?? '',
        initializerToken: words.initializer_token ?? '',
        initializers: words.initializers ?? {},
        numVectors: words.num_vectors ?? 1,
      };
      const { problems } = await callOnce('CheckTokens', timeoutMs, control, (options) =>
        client.checkTokens(request, options),
      );
      return problems.map(toProblem);
    },
    close: () => channel.close(),
  };
}
