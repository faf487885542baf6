import type { SweepEdit } from '@murnau/domain';

/** Update of a sweep; what it asks for is its own name's. */
export interface SweepEditMessage {
  readonly edit: SweepEdit;
  readonly by: string;
  readonly why: string;
  readonly update_id: string;
}

/** A trial's word to its sweep; the store already says the same. */
export interface TrialEnded {
  readonly run_id: string;
  readonly phase: string;
}
