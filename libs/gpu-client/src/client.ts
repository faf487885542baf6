import { createChannel, createClient } from 'nice-grpc';
import { divide, uploads } from './blobs.js';
import { callOnce, readStream } from './calls.js';
import { channelOptions } from './channel.js';
import { toDescription } from './convert/description.js';
import { toConvertedEmbedding, toProtoConvertRequest } from './convert/embedding.js';
import { toProblem } from './convert/error-detail.js';
import { toGenerateEvent, toProtoGenerateRequest } from './convert/generation.js';
import { WorkerServiceDefinition } from './gen/murnau/worker/v1/worker.js';
import { openTrainSession } from './train-session.js';
import type { CallControl, GenerateEvent, GenerateStart, GpuClient, ReadBlob } from './types.js';

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
const generateSilenceMs = 5_000;

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

  async function* generate(start: GenerateStart, control?: CallControl): AsyncGenerator<GenerateEvent> {
    const request = toProtoGenerateRequest(start);
    for await (const response of readStream(generateSilenceMs, control, (options) =>
      client.generate(request, options),
    )) {
      const event = toGenerateEvent(response);
      if (event !== undefined) yield event;
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
    generate,
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
      };
      const { problems } = await callOnce('CheckTokens', timeoutMs, control, (options) =>
        client.checkTokens(request, options),
      );
      return problems.map(toProblem);
    },
    close: () => channel.close(),
  };
}
