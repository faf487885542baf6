import type {
  EmbeddingFormat,
  Judgement,
  Pooling,
  SampleKind,
  TrainingSpec,
  Worker,
  WorkerModel,
} from '@murnau/domain';
import type { ErrorCode, GenerationRequest, Producer } from '@murnau/domain';

/** What crosses this package's border: domain types only, never generated ones. */

/** A worker as it describes itself. */
export interface WorkerDescription {
  readonly worker_version: string;
  readonly device: Worker['device'];
  readonly models: readonly WorkerModel[];
  readonly slots: number;
  readonly running: number;
  readonly generating: number;
  readonly steps_per_second: number;
  /** Seconds since the device thread last made progress while it had work. */
  readonly progress_age_s: number;
  /** Random per life of the process. */
  readonly incarnation: string;
  readonly numeric_fingerprint: string;
}

/** Where `ensureBlobs` reads what the worker lacks. */
export type ReadBlob = (hash: string) => Promise<Uint8Array>;

/** Its blob and its mask's must be in the worker's cache: see `ensureBlobs`. */
interface TrainImage {
  readonly hash: string;
  readonly name: string;
  readonly mask_hash?: string | null;
  readonly caption?: string | null;
}

export interface TrainStart {
  readonly run_id: string;
  readonly epoch: number;
  readonly spec: TrainingSpec;
  readonly images: readonly TrainImage[];
  /** Canonical file of the embedding that the rows start from; null: they start from words. */
  readonly initializer_embedding: Uint8Array | null;
  /** Null: the run begins. */
  readonly state: Uint8Array | null;
  readonly until_step: number;
  readonly acknowledged_step: number;
}

export type FinishReason = 'until_step' | 'superseded' | 'draining' | 'plateau';

export type TrainEvent =
  | {
      readonly kind: 'started';
      readonly step: number;
      readonly numeric_fingerprint: string;
      readonly model_fingerprint: string;
      readonly loading_s: number;
    }
  | {
      readonly kind: 'alive';
      readonly step: number;
      readonly progress_age_s: number;
      readonly phase: string;
      readonly steps_per_second: number;
    }
  | { readonly kind: 'metrics'; readonly step: number; readonly values: Readonly<Record<string, number>> }
  | {
      readonly kind: 'sample';
      readonly step: number;
      readonly sample_kind: SampleKind;
      readonly position: number;
      readonly prompt: string;
      readonly seed: number;
      readonly png: Uint8Array;
      readonly image_alignment: number | null;
    }
  | ({ readonly kind: 'judgement'; readonly step: number } & Readonly<Judgement>)
  | {
      readonly kind: 'checkpoint';
      readonly step: number;
      readonly state: Uint8Array;
      readonly embedding: Uint8Array;
    }
  | { readonly kind: 'log'; readonly level: string; readonly message: string; readonly step: number }
  | { readonly kind: 'finished'; readonly step: number; readonly reason: FinishReason };

/** One open segment. Iterate it once; leaving the loop closes the stream. */
export interface TrainSession extends AsyncIterable<TrainEvent> {
  /** Tells the worker that everything up to this step is stored. */
  acknowledge(step: number): void;
}

export interface DrawStart {
  readonly generation_id: string;
  /** Its pictures and masks must be in the worker's cache: see `ensureBlobs`. */
  readonly request: GenerationRequest;
  /** Canonical safetensors files. */
  readonly embeddings: readonly Uint8Array[];
}

export interface DrawnImage {
  /** From 0. */
  readonly position: number;
  readonly seed: number;
  readonly png: Uint8Array;
}

export type DrawEvent =
  | ({ readonly kind: 'started' } & Readonly<Producer>)
  | {
      readonly kind: 'progress';
      /** Decoder steps done, of all pictures together. */
      readonly step: number;
      /** 0: not known yet. */
      readonly steps: number;
      /** Such as `loading` or `decoder`. */
      readonly phase: string;
      /** What is loading; empty in other phases. */
      readonly detail: string;
    }
  | { readonly kind: 'notice'; readonly message: string }
  | ({ readonly kind: 'preview' } & DrawnImage)
  | ({ readonly kind: 'image' } & DrawnImage);

export interface ConvertEmbeddingInput {
  readonly file: Uint8Array;
  /** Absent: recognised by looking. */
  readonly from_format?: EmbeddingFormat | undefined;
  readonly to_format: EmbeddingFormat;
  /** Absent: shapes are not checked. */
  readonly model?: string | undefined;
  readonly placeholder_token?: string | undefined;
}

export interface ConvertedEmbedding {
  readonly file: Uint8Array;
  readonly placeholder_token: string;
  readonly initializer_token: string | null;
  readonly num_vectors: number;
  readonly pooling: Pooling | null;
  readonly step: number;
}

export interface TokenProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly field?: string | undefined;
  readonly given?: string | undefined;
  readonly allowed?: string | undefined;
}

export interface CallControl {
  readonly signal?: AbortSignal | undefined;
}

export interface GpuClient {
  readonly address: string;
  describe(control?: CallControl): Promise<WorkerDescription>;
  /** Uploads those of the blobs that the worker's cache lacks; answers how many that were. */
  ensureBlobs(hashes: readonly string[], read: ReadBlob, control?: CallControl): Promise<number>;
  train(start: TrainStart, control?: CallControl): TrainSession;
  /** The call of the request's task. Aborting stops the worker within one sampling step. */
  draw(start: DrawStart, control?: CallControl): AsyncIterable<DrawEvent>;
  convertEmbedding(input: ConvertEmbeddingInput, control?: CallControl): Promise<ConvertedEmbedding>;
  /** Empty: the words may be used. */
  checkTokens(
    words: {
      model: string;
      placeholder_token?: string;
      initializer_token?: string;
      /** Words that single towers' rows start from instead, by the tower's name. */
      initializers?: Readonly<Record<string, string>> | undefined;
      /** Default 1. */
      num_vectors?: number | undefined;
    },
    control?: CallControl,
  ): Promise<TokenProblem[]>;
  close(): void;
}
