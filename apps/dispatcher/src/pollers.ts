import { generateQueue, trainQueue } from '@murnau/contracts';
import type { DrawingActivities, TextActivities, TrainingActivities } from '@murnau/contracts';
import { Worker } from '@temporalio/worker';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import type { GatedSlots } from './gated-slots.js';

interface PollerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly models: readonly string[];
  /** In milliseconds. */
  readonly heartbeatIntervalMs: number;
  readonly training: TrainingActivities;
  readonly generation: DrawingActivities & TextActivities;
  readonly trainSlots: (model: string) => GatedSlots;
  readonly generateSlots: GatedSlots;
}

function options(
  { connection, namespace, heartbeatIntervalMs }: PollerOptions,
  taskQueue: string,
  activities: object,
  slots: GatedSlots,
): WorkerOptions {
  return {
    connection,
    namespace,
    taskQueue,
    activities,
    tuner: {
      activityTaskSlotSupplier: slots,
      workflowTaskSlotSupplier: { type: 'fixed-size', numSlots: 2 },
      localActivityTaskSlotSupplier: { type: 'fixed-size', numSlots: 1 },
      nexusTaskSlotSupplier: { type: 'fixed-size', numSlots: 1 },
    },
    // Of workers with one open poll each, one that has just taken a run queues behind those that wait for one.
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 },
    // A heartbeat must reach the server well within its timeout of 2 s.
    maxHeartbeatThrottleInterval: heartbeatIntervalMs,
    defaultHeartbeatThrottleInterval: heartbeatIntervalMs,
    // A segment at work goes back to the queue; another dispatcher goes on from its newest checkpoint.
    shutdownGraceTime: '200 ms',
    shutdownForceTime: '5 s',
  };
}

/** For each model, one that takes segments and one that takes pictures and files. */
export function createPollers(pollers: PollerOptions): Promise<Worker[]> {
  return Promise.all(
    pollers.models.flatMap((model) => [
      Worker.create(options(pollers, trainQueue(model), pollers.training, pollers.trainSlots(model))),
      Worker.create(options(pollers, generateQueue(model), pollers.generation, pollers.generateSlots)),
    ]),
  );
}
