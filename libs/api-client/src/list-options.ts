import type { RunPhase, SweepPhase } from '@murnau/domain';

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
