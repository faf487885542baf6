import { createHash, randomUUID } from 'node:crypto';
import {
  blobSchema,
  datasetPageSchema,
  datasetSchema,
  decisionPageSchema,
  embeddingPageSchema,
  embeddingSchema,
  eventListSchema,
  finalistListSchema,
  generationPageSchema,
  generationSchema,
  imageBlobSchema,
  leaderboardSchema,
  metricListSchema,
  modelListSchema,
  MurnauError,
  runPageSchema,
  runSchema,
  sampleListSchema,
  serverInfoSchema,
  statusSchema,
  sweepPageSchema,
  sweepPlanSchema,
  sweepSchema,
  wordsCheckedSchema,
  workerListSchema,
} from '@murnau/domain';
import type {
  Blob,
  CheckWords,
  CreateDataset,
  CreateRun,
  CreateSweep,
  Dataset,
  Embedding,
  EmbeddingFormat,
  Finalist,
  ForkRun,
  Generation,
  GenerationRequestInput,
  ImageBlob,
  Leaderboard,
  MetricPoint,
  Model,
  Page,
  Run,
  RunEditKind,
  RunPhase,
  Sample,
  SampleKind,
  ServerInfo,
  Status,
  StoredEvent,
  Sweep,
  SweepDecision,
  SweepPhase,
  SweepPlan,
  Worker,
  WordsChecked,
} from '@murnau/domain';
import type { z } from 'zod';
import { networkError } from './errors.js';
import { follow } from './follow.js';
import type { FollowOptions, LiveMessage } from './follow.js';
import { allItems } from './pages.js';
import { createTransport } from './transport.js';
import type { Call, TransportOptions } from './transport.js';

type Signal = AbortSignal | undefined;

export interface ListOptions {
  /** Most items. Default: all. */
  readonly limit?: number | undefined;
}
export interface ListRuns extends ListOptions {
  readonly sweep_id?: string | undefined;
  readonly phase?: RunPhase | undefined;
  readonly owner?: string | undefined;
  readonly placeholder?: string | undefined;
}
export interface ListSweeps extends ListOptions {
  readonly phase?: SweepPhase | undefined;
  readonly owner?: string | undefined;
}
export interface ListDecisions extends ListOptions {
  /** Only those of one kind, e.g. `promote`. */
  readonly kind?: string | undefined;
}
export interface ListEmbeddings extends ListOptions {
  readonly placeholder?: string | undefined;
  readonly model?: string | undefined;
  readonly run_id?: string | undefined;
}
/** What has a contact sheet. */
export type SheetOf = 'datasets' | 'runs' | 'sweeps' | 'generations';

const largestPage = 200;
const at = (id: string): string => encodeURIComponent(id);

/** Typed calls of the HTTP API (`docs/http-api.md`); every failure is a MurnauError. */
export class ApiClient {
  readonly server: string;
  readonly #transport;

  constructor(options: TransportOptions) {
    this.server = options.server;
    this.#transport = createTransport(options);
  }

  info(signal?: Signal): Promise<ServerInfo> {
    return this.#get(serverInfoSchema, '/v1/info', signal);
  }
  status(signal?: Signal): Promise<Status> {
    return this.#get(statusSchema, '/v1/status', signal);
  }
  async workers(): Promise<Worker[]> {
    return (await this.#get(workerListSchema, '/v1/workers')).items;
  }

  /** By name. */
  async models(): Promise<Model[]> {
    return (await this.#get(modelListSchema, '/v1/models')).items;
  }

  /** Lets a quarantined worker work again. */
  async liftWorker(name: string): Promise<Worker[]> {
    const path = `/v1/workers/${at(name)}/lift`;
    return (await this.#transport.json(workerListSchema, { method: 'POST', path, repeatable: true })).items;
  }

  /** @returns whether the server holds a blob of this SHA-256. */
  async hasBlob(hash: string): Promise<boolean> {
    try {
      await this.#transport.send({ method: 'HEAD', path: `/v1/blobs/${at(hash)}` });
      return true;
    } catch (error) {
      // An answer to HEAD has no body, so its code is that of the bare status.
      if (error instanceof MurnauError && error.kind.httpStatus === 404) return false;
      throw error;
    }
  }
  /** Checked and oriented by the server: the stored hash may differ from the file's. */
  uploadBlob(
    bytes: Uint8Array,
    mediaType: string,
    name?: string,
    purpose?: 'training' | 'loss_mask',
  ): Promise<Blob> {
    return this.#transport.json(blobSchema, {
      method: 'POST',
      path: '/v1/blobs',
      query: { name, purpose },
      bytes,
      contentType: mediaType,
      // The same bytes give the same blob.
      repeatable: true,
    });
  }
  /** A mask of any kind of picture, made black (to be drawn anew) and white by the server. */
  uploadMask(bytes: Uint8Array, mediaType: string, name?: string): Promise<ImageBlob> {
    return this.#transport.json(imageBlobSchema, {
      method: 'POST',
      path: '/v1/blobs',
      query: { name, purpose: 'mask' },
      bytes,
      contentType: mediaType,
      repeatable: true,
    });
  }
  /** Uploads unless the server has these very bytes. @returns the stored hash and whether it was sent. */
  async ensureBlob(
    bytes: Uint8Array,
    mediaType: string,
    name?: string,
    purpose?: 'training' | 'loss_mask',
  ): Promise<{ hash: string; sent: boolean }> {
    const hash = createHash('sha256').update(bytes).digest('hex');
    if (await this.hasBlob(hash)) return { hash, sent: false };
    return { hash: (await this.uploadBlob(bytes, mediaType, name, purpose)).hash, sent: true };
  }
  blob(hash: string): Promise<Uint8Array> {
    return this.#bytes(`/v1/blobs/${at(hash)}`);
  }
  sheet(of: SheetOf, id: string): Promise<Uint8Array> {
    return this.#bytes(`/v1/${of}/${at(id)}/sheet.png`);
  }

  createDataset(body: CreateDataset): Promise<Dataset> {
    return this.#create(datasetSchema, '/v1/datasets', body);
  }
  dataset(id: string): Promise<Dataset> {
    return this.#get(datasetSchema, `/v1/datasets/${at(id)}`);
  }
  datasets(options: ListOptions = {}): AsyncGenerator<Dataset> {
    return this.#list(datasetPageSchema, '/v1/datasets', options);
  }

  /** Refused as a run or a sweep of the words would be. */
  checkWords(body: CheckWords): Promise<WordsChecked> {
    return this.#transport.json(wordsCheckedSchema, {
      method: 'POST',
      path: '/v1/word-checks',
      json: body,
      repeatable: true,
    });
  }

  createRun(body: CreateRun): Promise<Run> {
    return this.#create(runSchema, '/v1/runs', body);
  }
  run(id: string): Promise<Run> {
    return this.#get(runSchema, `/v1/runs/${at(id)}`);
  }
  runs(options: ListRuns = {}): AsyncGenerator<Run> {
    return this.#list(runPageSchema, '/v1/runs', options);
  }
  cancelRun(id: string, why = ''): Promise<Run> {
    const path = `/v1/runs/${at(id)}/cancel`;
    return this.#transport.json(runSchema, { method: 'POST', path, json: { why } });
  }
  /** A new run from this one's stored checkpoint. */
  forkRun(id: string, body: ForkRun): Promise<Run> {
    return this.#create(runSchema, `/v1/runs/${at(id)}/fork`, body);
  }
  /** Pauses it, lets it go on, or finishes it now. */
  editRun(id: string, kind: RunEditKind, why = ''): Promise<Run> {
    return this.#transport.json(runSchema, {
      method: 'POST',
      path: `/v1/runs/${at(id)}/${kind}`,
      json: { why },
      // Asking twice is asking once.
      repeatable: kind !== 'resume',
    });
  }
  async metrics(id: string, options: { names?: string; after_step?: number } = {}): Promise<MetricPoint[]> {
    const path = `/v1/runs/${at(id)}/metrics`;
    return (await this.#transport.json(metricListSchema, { path, query: options })).items;
  }
  async samples(id: string, kind?: SampleKind): Promise<Sample[]> {
    const path = `/v1/runs/${at(id)}/samples`;
    return (await this.#transport.json(sampleListSchema, { path, query: { kind } })).items;
  }
  /** Stored events, oldest first. */
  async log(
    of: 'runs' | 'sweeps',
    id: string,
    options: { after?: string | undefined; limit?: number | undefined } = {},
  ): Promise<StoredEvent[]> {
    const path = `/v1/${of}/${at(id)}/log`;
    return (await this.#transport.json(eventListSchema, { path, query: options })).items;
  }
  follow(
    of: 'runs' | 'sweeps' | 'generations',
    id: string,
    options: FollowOptions = {},
  ): AsyncGenerator<LiveMessage> {
    return follow(this.#transport, `/v1/${of}/${at(id)}/events`, options);
  }

  createSweep(spec: CreateSweep['spec']): Promise<Sweep> {
    return this.#create(sweepSchema, '/v1/sweeps', { spec, dry_run: false });
  }
  planSweep(spec: CreateSweep['spec']): Promise<SweepPlan> {
    return this.#transport.json(sweepPlanSchema, {
      method: 'POST',
      path: '/v1/sweeps',
      json: { spec, dry_run: true },
      repeatable: true,
    });
  }
  sweep(id: string): Promise<Sweep> {
    return this.#get(sweepSchema, `/v1/sweeps/${at(id)}`);
  }
  sweeps(options: ListSweeps = {}): AsyncGenerator<Sweep> {
    return this.#list(sweepPageSchema, '/v1/sweeps', options);
  }
  leaderboard(id: string): Promise<Leaderboard> {
    return this.#get(leaderboardSchema, `/v1/sweeps/${at(id)}/trials`);
  }
  cancelSweep(id: string, why = ''): Promise<Sweep> {
    const path = `/v1/sweeps/${at(id)}/cancel`;
    return this.#transport.json(sweepSchema, { method: 'POST', path, json: { why } });
  }

  /** Changes a sweep that lives; `path` is what follows its address, e.g. `pause` or `trials/3/drop`. */
  editSweep(id: string, path: string, body: Readonly<Record<string, unknown>> = {}): Promise<Sweep> {
    return this.#create(sweepSchema, `/v1/sweeps/${at(id)}/${path}`, body);
  }
  /** Best mean first. */
  async finalists(id: string): Promise<Finalist[]> {
    return (await this.#get(finalistListSchema, `/v1/sweeps/${at(id)}/finalists`)).items;
  }
  /** Newest first. */
  decisions(id: string, options: ListDecisions = {}): AsyncGenerator<SweepDecision> {
    return this.#list(decisionPageSchema, `/v1/sweeps/${at(id)}/decisions`, options);
  }

  embedding(id: string): Promise<Embedding> {
    return this.#get(embeddingSchema, `/v1/embeddings/${at(id)}`);
  }
  embeddings(options: ListEmbeddings = {}): AsyncGenerator<Embedding> {
    return this.#list(embeddingPageSchema, '/v1/embeddings', options);
  }
  embeddingFile(id: string, format: EmbeddingFormat): Promise<Uint8Array> {
    return this.#bytes(`/v1/embeddings/${at(id)}/file`, { format });
  }
  importEmbedding(
    bytes: Uint8Array,
    query: { model: string; placeholder_token?: string | undefined },
  ): Promise<Embedding> {
    return this.#transport.json(embeddingSchema, {
      method: 'POST',
      path: '/v1/embeddings',
      query,
      bytes,
      idempotencyKey: randomUUID(),
    });
  }

  createGeneration(body: GenerationRequestInput): Promise<Generation> {
    return this.#create(generationSchema, '/v1/generations', body);
  }
  generation(id: string): Promise<Generation> {
    return this.#get(generationSchema, `/v1/generations/${at(id)}`);
  }
  generations(options: ListOptions = {}): AsyncGenerator<Generation> {
    return this.#list(generationPageSchema, '/v1/generations', options);
  }
  cancelGeneration(id: string): Promise<Generation> {
    return this.#transport.json(generationSchema, {
      method: 'POST',
      path: `/v1/generations/${at(id)}/cancel`,
    });
  }

  #get<Schema extends z.ZodType>(schema: Schema, path: string, signal?: Signal): Promise<z.output<Schema>> {
    return this.#transport.json(schema, { path, signal });
  }
  #create<Schema extends z.ZodType>(schema: Schema, path: string, json: unknown): Promise<z.output<Schema>> {
    return this.#transport.json(schema, { method: 'POST', path, json, idempotencyKey: randomUUID() });
  }
  #list<Item>(
    schema: z.ZodType<Page<Item>>,
    path: string,
    { limit, ...query }: ListOptions,
  ): AsyncGenerator<Item> {
    const pageLimit = Math.min(limit ?? largestPage, largestPage);
    return allItems(
      (cursor) => this.#transport.json(schema, { path, query: { ...query, limit: pageLimit, cursor } }),
      limit,
    );
  }
  async #bytes(path: string, query?: Call['query']): Promise<Uint8Array> {
    const response = await this.#transport.send({ path, query });
    const body = await response.arrayBuffer().catch((cause: unknown) => {
      throw networkError(this.server, cause);
    });
    return new Uint8Array(body);
  }
}
