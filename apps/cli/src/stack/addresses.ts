import type { StackDescription } from '@murnau/stack';
import type { Context } from '../core/context.js';
import { galleryLogin } from '../core/gallery.js';
import { fieldLines } from '../output/table.js';

/** What a visitor opens. */
export interface Addresses {
  readonly gallery: string;
  readonly api: string;
  readonly temporal_ui: string;
}

export async function addressesOf(context: Context, stack: StackDescription): Promise<Addresses> {
  return {
    gallery: await galleryLogin(context, stack.apiUrl),
    api: stack.apiUrl,
    temporal_ui: stack.temporalUiUrl,
  };
}

export async function printAddresses(context: Context, stack: StackDescription): Promise<void> {
  const addresses = await addressesOf(context, stack);
  const document = {
    ...addresses,
    temporal_address: stack.temporalAddress,
    namespace: stack.namespace,
    database_url: stack.databaseUrl,
    home: stack.home,
    parts: stack.parts.map(({ name, state, pid, port, log }) => ({ name, state, pid, port, log })),
  };
  context.result(document, () => {
    const { out } = context.io;
    const fields = [
      ['gallery', addresses.gallery],
      ['Temporal UI', addresses.temporal_ui],
      ['api', addresses.api],
      ['data', stack.home],
    ] as const;
    for (const line of fieldLines(fields, out.colours)) out.line(line);
  });
}
