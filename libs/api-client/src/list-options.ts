import type { RunPhase, SampleKind, SweepPhase } from '@murnau/domain';

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
export interface ListMetrics extends ListOptions {
  /** Separated by commas. Default: all. */
  readonly names?: string | undefined;
  readonly after_step?: number | undefined;
}
export interface ListSamples extends ListOptions {
  readonly kind?: SampleKind | undefined;
}
export interface ListEmbeddings extends ListOptions {
  readonly placeholder?: string | undefined;
  readonly model?: string | undefined;
  readonly run_id?: string | undefined;
}
