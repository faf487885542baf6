import type { ErrorCode, Pooling } from '@murnau/domain';
import type { EmbeddingConversionInput, TokenCheckInput } from './input.js';

export interface ConversionResult {
  readonly hash: string;
  readonly size_bytes: number;
  readonly placeholder_token: string;
  readonly initializer_token: string | null;
  readonly num_vectors: number;
  readonly pooling: Pooling | null;
  readonly step: number;
}

export interface WordProblem {
  /** Which of the request's words. */
  readonly index: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly field?: string | undefined;
  readonly given?: string | undefined;
  readonly allowed?: string | undefined;
}

/** On `text/<model>`. */
export interface TextActivities {
  convertEmbedding(input: EmbeddingConversionInput): Promise<ConversionResult>;
  checkTokens(input: TokenCheckInput): Promise<WordProblem[]>;
}
