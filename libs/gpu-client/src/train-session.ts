import { MurnauError } from '@murnau/domain';
import type { Client } from 'nice-grpc';
import type { CallLimits } from './calls.js';
import { acknowledgedMessage, pingMessage, startMessage, toTrainEvent } from './convert/train-messages.js';
import type { TrainRequest, WorkerServiceDefinition } from './gen/murnau/worker/v1/worker.js';
import { MessageQueue } from './message-queue.js';
import type { CallControl, TrainEvent, TrainSession, TrainStart } from './types.js';

/** The worker lets a run go after 3 s without a message. */
const pingIntervalMs = 500;

async function* trainEvents(
  client: Client<typeof WorkerServiceDefinition, CallLimits>,
  outgoing: MessageQueue<TrainRequest>,
  control: CallControl | undefined,
): AsyncGenerator<TrainEvent, void, undefined> {
  const pings = setInterval(() => {
    // What waits already will speak for us: a stopped peer must not make the queue grow.
    if (outgoing.length === 0) outgoing.push(pingMessage);
  }, pingIntervalMs);
  try {
    let isFinished = false;
    for await (const response of client.train(outgoing, control)) {
      const event = toTrainEvent(response);
      if (event === undefined) continue;
      isFinished = event.kind === 'finished';
      yield event;
    }
    if (!isFinished)
      throw new MurnauError('worker.lost', 'The worker ended the stream before the segment was done.');
  } finally {
    clearInterval(pings);
    outgoing.end();
  }
}

export function openTrainSession(
  client: Client<typeof WorkerServiceDefinition, CallLimits>,
  start: TrainStart,
  control: CallControl | undefined,
): TrainSession {
  const outgoing = new MessageQueue<TrainRequest>();
  outgoing.push(startMessage(start));
  return {
    acknowledge: (step) => outgoing.push(acknowledgedMessage(step)),
    [Symbol.asyncIterator]: () => trainEvents(client, outgoing, control),
  };
}
