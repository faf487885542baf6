import type { Judgement, Sample } from '@murnau/domain';

export interface MetricRecord {
  step: number;
  name: string;
  /** Finite. */
  value: number;
}

export interface CheckpointRecord {
  step: number;
  state_hash: string;
  embedding_hash: string;
}

/** What a worker sent since the last write. Blobs are stored before. */
export interface Progress {
  /** Newest step the worker reported, when it is ahead of what follows. */
  step?: number;
  metrics?: readonly MetricRecord[];
  samples?: readonly Sample[];
  /** Of the final pictures that follow. */
  judgement?: Judgement;
  /** Comes after all events of its step, and certifies everything up to it. */
  checkpoint?: CheckpointRecord;
  /** Runs that shared the device since the last write, this one included: each has its part of the time. Default 1. */
  sharers?: number;
  /** Lines for the run's log and the like. */
  events?: readonly { kind: string; step?: number; data?: Record<string, unknown> }[];
}

export interface ProgressRecorded {
  /** Newest stored step. */
  step: number;
  /** Newest certified step: what may be acknowledged to the worker. 0: none. */
  certified_step: number;
}
