import type { SweepEdit } from '@murnau/domain';

/** Update of a sweep, under the name of the edit's kind. */
export interface SweepEditMessage {
  readonly edit: SweepEdit;
  readonly by: string;
  readonly why: string;
  readonly update_id: string;
}

/** Signal of a trial to its sweep: the store has its end already. */
export interface TrialEnded {
  readonly run_id: string;
  readonly phase: string;
}
