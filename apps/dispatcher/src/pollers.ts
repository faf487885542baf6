import { Worker } from '@temporalio/worker';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import type { QueueSlots } from './shared-slots.js';

interface PollerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  /** In milliseconds. */
  readonly heartbeatIntervalMs: number;
}

/** A queue, and what is done with its tasks. */
export interface PolledQueue {
  readonly taskQueue: string;
  readonly activities: object;
  readonly slots: QueueSlots;
}

function options(
  { connection, namespace, heartbeatIntervalMs }: PollerOptions,
  { taskQueue, activities, slots }: PolledQueue,
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

export class Pollers {
  private constructor(private readonly workers: readonly Worker[]) {}

  static async create(poller: PollerOptions, queues: readonly PolledQueue[]): Promise<Pollers> {
    return new Pollers(await Promise.all(queues.map((queue) => Worker.create(options(poller, queue)))));
  }

  /** Resolves when all have been shut down, by a signal or by `shutdown`. */
  async run(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.run()));
  }

  shutdown(): void {
    for (const worker of this.workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  }
}
