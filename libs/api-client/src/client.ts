import { randomUUID } from 'node:crypto';
import {
  datasetPageSchema,
  datasetSchema,
  decisionPageSchema,
  embeddingPageSchema,
  embeddingSchema,
  eventListSchema,
  finalistListSchema,
  generationPageSchema,
  generationSchema,
  leaderboardPageSchema,
  loginSchema,
  metricPageSchema,
  modelListSchema,
  mostMetrics,
  removalSchema,
  runPageSchema,
  runSchema,
  samplePageSchema,
  serverInfoSchema,
  statusSchema,
  sweepPageSchema,
  sweepPlanSchema,
  sweepSchema,
  wordsCheckedSchema,
  workerListSchema,
} from '@murnau/domain';
import type {
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
  Leaderboard,
  Login,
  MetricPoint,
  Model,
  RemovableKind,
  Removal,
  Run,
  RunEditKind,
  Sample,
  ServerInfo,
  Status,
  StoredEvent,
  Sweep,
  SweepDecision,
  SweepPlan,
  Worker,
  WordsChecked,
} from '@murnau/domain';
import { BlobCalls } from './blob-calls.js';
import { at } from './calls.js';
import type { Signal } from './calls.js';
import { follow } from './follow.js';
import type { FollowOptions, LiveMessage } from './follow.js';
import type {
  ListDecisions,
  ListEmbeddings,
  ListMetrics,
  ListOptions,
  ListRuns,
  ListSamples,
  ListSweeps,
} from './list-options.js';

/** Typed calls of the HTTP API (`docs/http-api.md`); every failure is a MurnauError. */
export class ApiClient extends BlobCalls {
  info(signal?: Signal): Promise<ServerInfo> {
    return this.get(serverInfoSchema, '/v1/info', signal);
  }
  status(signal?: Signal): Promise<Status> {
    return this.get(statusSchema, '/v1/status', signal);
  }
  /** Lets one browser in, once. */
  createLogin(): Promise<Login> {
    return this.transport.json(loginSchema, { method: 'POST', path: '/v1/logins', repeatable: true });
  }
  async workers(): Promise<Worker[]> {
    return (await this.get(workerListSchema, '/v1/workers')).items;
  }

  /** By name. */
  async models(): Promise<Model[]> {
    return (await this.get(modelListSchema, '/v1/models')).items;
  }

  /** Lets a quarantined worker work again. */
  async liftWorker(name: string): Promise<Worker[]> {
    const path = `/v1/workers/${at(name)}/lift`;
    return (await this.transport.json(workerListSchema, { method: 'POST', path, repeatable: true })).items;
  }

  createDataset(body: CreateDataset): Promise<Dataset> {
    return this.create(datasetSchema, '/v1/datasets', body);
  }
  dataset(id: string): Promise<Dataset> {
    return this.get(datasetSchema, `/v1/datasets/${at(id)}`);
  }
  datasets(options: ListOptions = {}): AsyncGenerator<Dataset> {
    return this.list(datasetPageSchema, '/v1/datasets', options);
  }

  /** Refused as a run or a sweep of the words would be. */
  checkWords(body: CheckWords): Promise<WordsChecked> {
    return this.transport.json(wordsCheckedSchema, {
      method: 'POST',
      path: '/v1/word-checks',
      json: body,
      repeatable: true,
    });
  }

  createRun(body: CreateRun): Promise<Run> {
    return this.create(runSchema, '/v1/runs', body);
  }
  run(id: string): Promise<Run> {
    return this.get(runSchema, `/v1/runs/${at(id)}`);
  }
  runs(options: ListRuns = {}): AsyncGenerator<Run> {
    return this.list(runPageSchema, '/v1/runs', options);
  }
  cancelRun(id: string, why = ''): Promise<Run> {
    return this.create(runSchema, `/v1/runs/${at(id)}/cancel`, { why });
  }
  /** A new run from this one's stored checkpoint. */
  forkRun(id: string, body: ForkRun): Promise<Run> {
    return this.create(runSchema, `/v1/runs/${at(id)}/fork`, body);
  }
  /** Pauses it, lets it go on, or finishes it now. */
  editRun(id: string, kind: RunEditKind, why = ''): Promise<Run> {
    return this.create(runSchema, `/v1/runs/${at(id)}/${kind}`, { why });
  }
  /** By step, then name. */
  metrics(id: string, options: ListMetrics = {}): AsyncGenerator<MetricPoint> {
    return this.list(metricPageSchema, `/v1/runs/${at(id)}/metrics`, options, mostMetrics);
  }
  /** By step, kind and position. */
  samples(id: string, options: ListSamples = {}): AsyncGenerator<Sample> {
    return this.list(samplePageSchema, `/v1/runs/${at(id)}/samples`, options);
  }
  /** Stored events, oldest first. */
  async log(
    of: 'runs' | 'sweeps',
    id: string,
    options: { after?: string | undefined; limit?: number | undefined } = {},
  ): Promise<StoredEvent[]> {
    const path = `/v1/${of}/${at(id)}/log`;
    return (await this.transport.json(eventListSchema, { path, query: options })).items;
  }
  follow(
    of: 'runs' | 'sweeps' | 'generations',
    id: string,
    options: FollowOptions = {},
  ): AsyncGenerator<LiveMessage> {
    return follow(this.transport, `/v1/${of}/${at(id)}/events`, options);
  }

  createSweep(spec: CreateSweep['spec']): Promise<Sweep> {
    return this.create(sweepSchema, '/v1/sweeps', { spec, dry_run: false });
  }
  planSweep(spec: CreateSweep['spec']): Promise<SweepPlan> {
    return this.transport.json(sweepPlanSchema, {
      method: 'POST',
      path: '/v1/sweeps',
      json: { spec, dry_run: true },
      repeatable: true,
    });
  }
  sweep(id: string): Promise<Sweep> {
    return this.get(sweepSchema, `/v1/sweeps/${at(id)}`);
  }
  sweeps(options: ListSweeps = {}): AsyncGenerator<Sweep> {
    return this.list(sweepPageSchema, '/v1/sweeps', options);
  }
  /** Its trials, best first: all, or the first `limit`. */
  async leaderboard(id: string, { limit }: ListOptions = {}): Promise<Leaderboard> {
    let about = { metric: '', goal: '' };
    const runs: Run[] = [];
    const pages = this.pages(leaderboardPageSchema, `/v1/sweeps/${at(id)}/trials`, { limit });
    for await (const { items, metric, goal } of pages) {
      about = { metric, goal };
      runs.push(...items);
    }
    return { ...about, runs: runs.slice(0, limit) };
  }
  cancelSweep(id: string, why = ''): Promise<Sweep> {
    return this.create(sweepSchema, `/v1/sweeps/${at(id)}/cancel`, { why });
  }

  /** Changes a sweep that lives; `path` is what follows its address, e.g. `pause` or `trials/3/drop`. */
  editSweep(id: string, path: string, body: Readonly<Record<string, unknown>> = {}): Promise<Sweep> {
    return this.create(sweepSchema, `/v1/sweeps/${at(id)}/${path}`, body);
  }
  /** Best mean first. */
  async finalists(id: string): Promise<Finalist[]> {
    return (await this.get(finalistListSchema, `/v1/sweeps/${at(id)}/finalists`)).items;
  }
  /** Newest first. */
  decisions(id: string, options: ListDecisions = {}): AsyncGenerator<SweepDecision> {
    return this.list(decisionPageSchema, `/v1/sweeps/${at(id)}/decisions`, options);
  }

  embedding(id: string): Promise<Embedding> {
    return this.get(embeddingSchema, `/v1/embeddings/${at(id)}`);
  }
  embeddings(options: ListEmbeddings = {}): AsyncGenerator<Embedding> {
    return this.list(embeddingPageSchema, '/v1/embeddings', options);
  }
  embeddingFile(id: string, format: EmbeddingFormat): Promise<Uint8Array> {
    return this.bytes(`/v1/embeddings/${at(id)}/file`, { format });
  }
  importEmbedding(
    bytes: Uint8Array,
    query: { model: string; placeholder_token?: string | undefined },
  ): Promise<Embedding> {
    return this.transport.json(embeddingSchema, {
      method: 'POST',
      path: '/v1/embeddings',
      query,
      bytes,
      idempotencyKey: randomUUID(),
    });
  }

  createGeneration(body: GenerationRequestInput): Promise<Generation> {
    return this.create(generationSchema, '/v1/generations', body);
  }
  generation(id: string): Promise<Generation> {
    return this.get(generationSchema, `/v1/generations/${at(id)}`);
  }
  generations(options: ListOptions = {}): AsyncGenerator<Generation> {
    return this.list(generationPageSchema, '/v1/generations', options);
  }
  cancelGeneration(id: string): Promise<Generation> {
    return this.create(generationSchema, `/v1/generations/${at(id)}/cancel`, undefined);
  }

  /** Removes something that has ended. `dryRun`: only says what would go. */
  remove(
    kind: RemovableKind,
    id: string,
    { dependants = false, dryRun = false }: { dependants?: boolean; dryRun?: boolean } = {},
  ): Promise<Removal> {
    return this.transport.json(removalSchema, {
      method: 'DELETE',
      path: `/v1/${kind}s/${at(id)}`,
      query: { dependants, dry_run: dryRun },
      // A second time it would not be found.
      repeatable: dryRun,
    });
  }
}
