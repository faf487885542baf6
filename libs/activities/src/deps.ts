import type { AdvisorClient } from '@murnau/gpu-client';
import type { Store } from '@murnau/store';
import type { Client } from '@temporalio/client';

/** What activities on the orchestrator's queue are given. */
export interface OrchestratorDeps {
  readonly store: Pick<Store, 'runs' | 'sweeps' | 'generations' | 'events'>;
  readonly client: Client;
  /** Asked by sweeps of method tpe only. */
  readonly advisor: Pick<AdvisorClient, 'suggest'>;
  /** For links in the Temporal UI. */
  readonly galleryUrl: string;
}
