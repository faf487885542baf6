import { MurnauError } from '@murnau/domain';
import type { Environment } from '../env.js';

/**
 * The data folder of this machine's embedded stack.
 * @throws MurnauError `usage.invalid` where another server is meant
 */
export function embeddedHome({ home, server }: Environment): string {
  if (server === undefined) return home;
  throw new MurnauError(
    'usage.invalid',
    `MURNAU_SERVER is set to ${server}, but this works on the embedded stack`,
    {
      field: 'MURNAU_SERVER',
      given: server,
      allowed: 'unset',
    },
  );
}
