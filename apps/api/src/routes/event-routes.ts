import {
  type Generation,
  isEnded,
  listEventsQuerySchema,
  type Run,
  type StoredEvent,
  type Sweep,
} from '@murnau/domain';
import type { EventFilter } from '@murnau/store';
import { z } from 'zod';
import { EventStream, lastEventId } from '../http/event-stream.js';
import { follow } from '../http/follow.js';
import { type Followers, type Resource, type Topic, topicKey } from '../http/follower.js';
import { type Content, route, type Route, type RouteInput } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';

/** Of a sweep's trials, those that a stream begins with. */
const RUNNING_AT_OPENING = 32;
const BEST_AT_OPENING = 32;

const streamed: Content = {
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

/** What every stream needs. */
interface Streams {
  deps: ServerDeps;
  open: OpenStreams;
  followers: Followers;
}

export function eventRoutes(streams: Streams): Route[] {
  const { store } = streams.deps;
  return [
    eventRoute(streams, '/v1/runs/:id/events', 'runs', (id) =>
      topicOf('run', id, { runId: id }, () => store.runs.get(id)),
    ),
    eventRoute(streams, '/v1/sweeps/:id/events', 'sweeps', (id) => sweepTopic(streams.deps, id)),
    eventRoute(streams, '/v1/generations/:id/events', 'generations', (id) =>
      topicOf('generation', id, { generationId: id }, () => store.generations.get(id)),
    ),
  ];
}

type Input = RouteInput<{ after?: string | undefined }, undefined>;

function eventRoute(
  streams: Streams,
  path: `/v1/${string}`,
  tag: string,
  topic: (id: string) => Topic,
): Route {
  return route({
    method: 'GET',
    path,
    summary: 'Follow live, from the first event or after Last-Event-ID',
    tag,
    query,
    takes: 'stream',
    answers: { 200: streamed },
    handle: (input) => stream(streams, input, topic(input.params['id'] ?? '')),
  });
}

const isEnding = ({ kind, data }: StoredEvent): boolean =>
  kind === 'finished' || (kind === 'phase' && isEnded(String(data['phase'])));

async function stream({ deps, open, followers }: Streams, input: Input, topic: Topic): Promise<void> {
  const after = lastEventId(input.request, input.query.after);
  // Refused before the stream is opened where there is no such thing.
  await topic.readChanges([]);
  const opened = new EventStream(input.reply);
  open.add(opened);
  try {
    await follow(opened, { store: deps.store, followers }, topic, after);
  } finally {
    open.delete(opened);
  }
}

const runsOf = (runs: readonly Run[]): Resource[] =>
  [...runs]
    .sort((a, b) => (a.trial ?? 0) - (b.trial ?? 0))
    .map((run) => ({ event: 'run', id: run.id, resource: run }));

function sweepTopic({ store }: ServerDeps, id: string): Topic {
  const stateOf = (sweep: Sweep, runs: readonly Run[]) => ({
    phase: sweep.phase,
    hasEnded: isEnded(sweep.phase),
    resources: [{ event: 'sweep' as const, id, resource: sweep }, ...runsOf(runs)],
  });
  return {
    key: topicKey('sweep', id),
    filter: { sweepId: id },
    isEnd: (event) => event.run_id === null && isEnding(event),
    readOpening: async () => {
      const [sweep, { items: running }, best] = await Promise.all([
        store.sweeps.get(id),
        store.runs.list({ sweep_id: id, phase: 'running', limit: RUNNING_AT_OPENING }),
        store.sweeps.best(id, BEST_AT_OPENING),
      ]);
      const runs = new Map([...best, ...running].map((run) => [run.id, run]));
      return stateOf(sweep, [...runs.values()]);
    },
    readChanges: async (runIds) => {
      const [sweep, runs] = await Promise.all([store.sweeps.get(id), store.runs.getMany(runIds)]);
      return stateOf(sweep, runs);
    },
  };
}

/** A thing that streams nothing but its own state and its own events. */
function topicOf(
  event: 'run' | 'generation',
  id: string,
  filter: EventFilter,
  read: () => Promise<Run | Generation>,
): Topic {
  const readState = async () => {
    const resource = await read();
    const { phase } = resource;
    return { phase, hasEnded: isEnded(phase), resources: [{ event, id, resource }] };
  };
  return {
    key: topicKey(event, id),
    filter,
    isEnd: isEnding,
    readOpening: readState,
    readChanges: readState,
  };
}
