import { type Generation, isEnded, listEventsQuerySchema, type Run, type StoredEvent } from '@murnau/domain';
import type { EventFilter } from '@murnau/store';
import { z } from 'zod';
import { EventStream, lastEventId } from '../http/event-stream.js';
import { follow } from '../http/follow.js';
import { type Content, route, type Route, type RouteInput } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';

const stream: Content = {
  mediaTypes: ['text/event-stream'],
  description:
    'Stored events (`event`, with id), the state whenever it changed (`run`, `sweep`, `generation`) and `end`.',
};
const query = z.strictObject({
  /** `now`: only what comes. */
  after: z.union([z.literal('now'), listEventsQuerySchema.shape.after]).optional(),
});

/** Streams that are open: closed by us when the server stops, for it would wait for them. */
export type OpenStreams = Set<EventStream>;

export function eventRoutes(deps: ServerDeps, open: OpenStreams): Route[] {
  return [
    eventRoute('/v1/runs/:id/events', 'runs', (input) => followRun(deps, open, input)),
    eventRoute('/v1/sweeps/:id/events', 'sweeps', (input) => followSweep(deps, open, input)),
    eventRoute('/v1/generations/:id/events', 'generations', (input) => followGeneration(deps, open, input)),
  ];
}

type Input = RouteInput<{ after?: string | undefined }, undefined>;

function eventRoute(path: `/v1/${string}`, tag: string, handle: (input: Input) => Promise<void>): Route {
  return route({
    method: 'GET',
    path,
    summary: 'Follow live, from the first event or after Last-Event-ID',
    tag,
    query,
    takes: 'stream',
    answers: { 200: stream },
    handle,
  });
}

const isEnding = ({ kind, data }: StoredEvent): boolean =>
  kind === 'finished' || (kind === 'phase' && isEnded(String(data['phase'])));

function openStream({ reply }: Input, open: OpenStreams): EventStream {
  const opened = new EventStream(reply);
  open.add(opened);
  reply.raw.on('close', () => open.delete(opened));
  return opened;
}

/** Sends a resource when it differs from what was sent before. */
function changesOnly(opened: EventStream, event: string): (id: string, resource: unknown) => void {
  const sent = new Map<string, string>();
  return (id, resource) => {
    const text = JSON.stringify(resource);
    if (sent.get(id) === text) return;
    sent.set(id, text);
    opened.send(event, resource);
  };
}

async function followSweep({ store }: ServerDeps, open: OpenStreams, input: Input): Promise<void> {
  const { id = '' } = input.params;
  const after = lastEventId(input.request, input.query.after);
  await store.sweeps.get(id);
  const opened = openStream(input, open);
  const sendSweep = changesOnly(opened, 'sweep');
  const sendRun = changesOnly(opened, 'run');
  await follow(opened, {
    store,
    filter: { sweepId: id },
    after,
    isEnd: (event) => event.run_id === null && isEnding(event),
    sendState: async (changed) => {
      const sweep = await store.sweeps.get(id);
      const runs: Run[] =
        changed === undefined
          ? (await store.sweeps.leaderboard(id)).runs
          : await Promise.all([...changed].map((runId) => store.runs.get(runId)));
      sendSweep(id, sweep);
      for (const run of runs.sort((a, b) => (a.trial ?? 0) - (b.trial ?? 0))) sendRun(run.id, run);
      return { phase: sweep.phase, hasEnded: isEnded(sweep.phase) };
    },
  });
}

/** A thing that streams nothing but its own state and its own events. */
interface Followed {
  /** Name of the state's frames. */
  readonly event: 'run' | 'generation';
  readonly filter: EventFilter;
  readonly read: () => Promise<Run | Generation>;
}

async function followOne(
  { store }: ServerDeps,
  open: OpenStreams,
  input: Input,
  { event, filter, read }: Followed,
): Promise<void> {
  const after = lastEventId(input.request, input.query.after);
  const { id } = await read();
  const opened = openStream(input, open);
  const send = changesOnly(opened, event);
  await follow(opened, {
    store,
    filter,
    after,
    isEnd: isEnding,
    sendState: async () => {
      const resource = await read();
      send(id, resource);
      return { phase: resource.phase, hasEnded: isEnded(resource.phase) };
    },
  });
}

function followRun(deps: ServerDeps, open: OpenStreams, input: Input): Promise<void> {
  const { id = '' } = input.params;
  return followOne(deps, open, input, {
    event: 'run',
    filter: { runId: id },
    read: () => deps.store.runs.get(id),
  });
}

function followGeneration(deps: ServerDeps, open: OpenStreams, input: Input): Promise<void> {
  const { id = '' } = input.params;
  return followOne(deps, open, input, {
    event: 'generation',
    filter: { generationId: id },
    read: () => deps.store.generations.get(id),
  });
}
