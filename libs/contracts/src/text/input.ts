import type { EmbeddingFormat } from '@murnau/domain';

/** How long a conversion may take in all, in milliseconds: its workflow's execution timeout. */
export const conversionTimeoutMs = 30_000;

export interface EmbeddingConversionInput {
  readonly file_hash: string;
  readonly model: string;
  readonly placeholder_token?: string | undefined;
  readonly to_format: EmbeddingFormat;
}

/** The same of a word check. */
export const tokenCheckTimeoutMs = 10_000;

export interface TokenCheckInput {
  readonly model: string;
  readonly words: readonly {
    readonly placeholder_token: string;
    /** Empty: the rows begin as another embedding. */
    readonly initializer_token: string;
    /** Words that single towers' rows start from instead, by the tower's name. */
    readonly initializers?: Readonly<Record<string, string>> | undefined;
    /** The fewest that rows may begin as. Default 1. */
    readonly num_vectors?: number | undefined;
  }[];
}
