import { type Model, modelListSchema, type Worker } from '@murnau/domain';
import { route, type Route } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';

/** What the workers serve. */
export function modelRoutes({ store }: ServerDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/models',
      summary: 'The models that workers serve: tasks, parts in memory, defaults of sampling',
      tag: 'workers',
      answers: { 200: modelListSchema },
      handle: async () => ({ items: modelsOf(await store.workers.list()) }),
    }),
  ];
}

/** By name; where workers differ, the first that is online speaks for all. */
function modelsOf(workers: readonly Worker[]): Model[] {
  const models = new Map<string, Model>();
  const isOnline = ({ state }: Worker): number => (state === 'online' ? 0 : 1);
  for (const worker of [...workers].sort((a, b) => isOnline(a) - isOnline(b))) {
    for (const { name, family, fingerprint, dtype, image_size, tasks, sampling, parts } of worker.models) {
      const model = models.get(name) ?? {
        ...{ name, family, fingerprint, dtype, image_size, tasks, sampling },
        workers: [],
      };
      model.workers.push({ name: worker.name, state: worker.state, parts });
      models.set(name, model);
    }
  }
  return [...models.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
