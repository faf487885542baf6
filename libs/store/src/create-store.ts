import { Blobs } from './blobs/blobs.js';
import { bind } from './context.js';
import { Connection } from './database/connection.js';
import { answeredWith, noteAnswer, type RepeatableRequest } from './database/idempotency.js';
import { Datasets } from './datasets.js';
import { Embeddings } from './embeddings.js';
import { EventHub } from './events/event-hub.js';
import { Events } from './events/events.js';
import { type Generations, generationFunctions } from './generation/index.js';
import { Retention } from './retention.js';
import { Sessions } from './sessions.js';
import { type Sweeps, sweepFunctions } from './sweep/index.js';
import { type Remove, removeResource } from './removal/remove.js';
import { runFunctions, type Runs } from './training-run/index.js';
import { Workers } from './workers.js';

interface StoreOptions {
  /** A Unix socket's folder may stand in `?host=`. */
  databaseUrl: string;
  blobDir: string;
  /** Default 10. */
  maxConnections?: number;
  /** How long a call waits for a database that restarts. Default 10,000. */
  patienceMs?: number;
}

/** The truth about results: rows in PostgreSQL, bytes by hash. */
export interface Store {
  readonly blobs: Blobs;
  readonly datasets: Datasets;
  readonly embeddings: Embeddings;
  readonly events: Events;
  readonly generations: Generations;
  readonly retention: Retention;
  readonly runs: Runs;
  readonly sessions: Sessions;
  readonly sweeps: Sweeps;
  readonly workers: Workers;
  /** What a repeated request was answered with; undefined: it is the first. @throws `idempotency.mismatch` */
  answeredWith(request: RepeatableRequest): Promise<string | undefined>;
  /** For requests whose work is not this store's: creations here put it down themselves. */
  noteAnswer(request: RepeatableRequest, resourceId: string): Promise<void>;
  readonly remove: Remove;
  /** Brings the tables up to date; safe from several processes at once. */
  migrate(): Promise<void>;
  /** Asks the database once. @throws `storage.unavailable` */
  ping(): Promise<void>;
  /** Runs `work` unless another process holds the lock of that name; undefined: another does. The lock ends with the process. */
  withLock<Result>(name: string, work: () => Promise<Result>): Promise<Result | undefined>;
  close(): Promise<void>;
}

/** Opens no connection yet. */
export function createStore({
  databaseUrl,
  blobDir,
  maxConnections = 10,
  patienceMs = 10_000,
}: StoreOptions): Store {
  const connection = new Connection({ databaseUrl, maxConnections, patienceMs });
  const hub = new EventHub(connection, databaseUrl);
  const context = { connection, hub };
  return {
    blobs: new Blobs(connection, blobDir),
    datasets: new Datasets(connection),
    embeddings: new Embeddings(connection),
    events: new Events(connection, hub),
    generations: bind(context, generationFunctions),
    retention: new Retention(connection),
    runs: bind(context, runFunctions),
    sessions: new Sessions(connection),
    sweeps: bind(context, sweepFunctions),
    workers: new Workers(connection),
    answeredWith: (request) => answeredWith(connection, request),
    noteAnswer: (request, resourceId) => noteAnswer(connection, request, resourceId),
    remove: (subject, options) => removeResource(context, subject, options),
    migrate: () => connection.migrate(),
    ping: () => connection.ping(),
    withLock: (name, work) => connection.withLock(name, work),
    close: async () => {
      hub.close();
      await connection.close();
    },
  };
}
