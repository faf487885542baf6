import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';

/** Flat and without end: causes that count are counted by the store, and what must not be repeated says so. */
export const flatRetry = { initialInterval: 200, backoffCoefficient: 1, maximumInterval: 200 } as const;

/**
 * Decisions and notes, near the store. They heartbeat, so that a killed orchestrator costs seconds; the other limit only
 * ends what never could, such as a look at ten thousand trials.
 */
export const bookkeepingOptions: ActivityOptions = {
  startToCloseTimeout: '10 min',
  heartbeatTimeout: '4 s',
  retry: flatRetry,
};

/** Tried once: what fails goes to the queue. */
export const nearOptions: LocalActivityOptions = {
  startToCloseTimeout: '10 s',
  retry: { maximumAttempts: 1 },
};

/** A device's work lives by its heartbeats; the other limit only ends what never could. */
export const deviceOptions: ActivityOptions = {
  startToCloseTimeout: '12 h',
  heartbeatTimeout: '2 s', // four beats, or two of a process that serves many workers
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: flatRetry,
};
