import { type RemovableKind, removalSchema, removeQuerySchema } from '@murnau/domain';
import { route, type Route } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';

const removals = {
  dataset: ['datasets', 'Remove a dataset that no run or sweep uses'],
  run: ['runs', 'Remove a run that has ended and is no trial; its embedding stays'],
  sweep: ['sweeps', 'Remove a sweep that has ended, with its trials; their embeddings stay'],
  embedding: ['embeddings', 'Remove a learnt embedding that no run, sweep or generation names'],
  generation: ['generations', 'Remove a generation that has ended, with its pictures'],
} as const satisfies Record<RemovableKind, readonly [noun: string, summary: string]>;

/** One route for each kind; files that nothing refers to any more are collected later. */
export function removalRoutes({ store, log }: ServerDeps): Route[] {
  return Object.entries(removals).map(([name, [noun, summary]]) => {
    const kind = name as RemovableKind;
    return route({
      method: 'DELETE',
      path: `/v1/${noun}/:id`,
      summary,
      tag: noun,
      query: removeQuerySchema,
      answers: { 200: removalSchema },
      handle: async ({ params: { id = '' }, query: { dependants, dry_run }, owner }) => {
        const options = { withDependants: dependants === 'true', isDryRun: dry_run === 'true' };
        const removal = await store.remove({ kind, id }, options);
        if (!options.isDryRun) log.info({ ...removal, by: owner }, 'removed');
        return removal;
      },
    });
  });
}
