import type { Store } from '@murnau/store';
import type { Client } from '@temporalio/client';

export interface BookkeepingDeps {
  readonly store: Pick<Store, 'runs' | 'sweeps' | 'generations' | 'events'>;
  readonly client: Client;
  /** For links in the Temporal UI. */
  readonly galleryUrl: string;
}
