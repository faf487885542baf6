import type { Asked, Failure } from '@murnau/domain';
import { toStoredFailure } from './failures.js';
import type { WorkflowFailure } from './failures.js';

/** Ends that every run, sweep and generation may come to, beside those of its own. */
export type Ending =
  | {
      readonly kind: 'cancelled';
      /** A person, `its sweep` or `Temporal`. */
      readonly by: string;
      /** A person's request, to be stored with its reason. Absent: no person asked. */
      readonly asked?: Asked | undefined;
    }
  | { readonly kind: 'failed'; readonly failure: WorkflowFailure };

/** As the store keeps it. */
export interface StoredEnd {
  readonly phase: 'failed' | 'cancelled';
  readonly failure: Failure;
  readonly asked?: Asked | undefined;
}

export function toStoredEnd(subject: 'run' | 'sweep' | 'generation', ending: Ending): StoredEnd {
  if (ending.kind === 'failed') return { phase: 'failed', failure: toStoredFailure(ending.failure) };
  const { by, asked } = ending;
  const message = `Cancelled by ${by}.`;
  return { phase: 'cancelled', failure: toStoredFailure({ code: `${subject}.cancelled`, message }), asked };
}
