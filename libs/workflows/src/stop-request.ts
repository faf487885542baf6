import { workflowMessages } from '@murnau/contracts';
import type { CancelRequest } from '@murnau/contracts';
import type { Asked } from '@murnau/domain';
import { ApplicationFailure, CancellationScope, defineUpdate, setHandler } from '@temporalio/workflow';

export const cancelUpdate = defineUpdate<void, [CancelRequest]>(workflowMessages.cancel);

/** A wish to end, by update or by Temporal's own cancellation, and how it reaches what is at work. */
export interface StopRequest {
  /** Who asked; undefined: nobody did. */
  by(): string | undefined;
  /** A person's word, with its reason; undefined: nobody's, or Temporal's. */
  asked(): Asked | undefined;
  /** Temporal itself was asked: the workflow ends as cancelled. */
  isNative(): boolean;
  /** From here on the end is certain, and a wish comes too late. */
  close(): void;
  /** The end was not certain after all. */
  reopen(): void;
  readonly isClosed: boolean;
  /** Interrupts what is at work, to decide anew. */
  interrupt(): void;
  /** Runs what a wish interrupts. */
  interruptible<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** Installs the handlers. Call it first thing, in the workflow's own scope. */
export function listenForStop(endedCode: string): StopRequest {
  let by: string | undefined;
  let asked: Asked | undefined;
  let isNative = false;
  let isClosed = false;
  let scope: CancellationScope | undefined;
  const request = (who: string): void => {
    by ??= who;
    scope?.cancel();
  };
  const take = (cancel: CancelRequest): void => {
    asked ??= { by: cancel.by, why: cancel.why ?? '' };
    request(cancel.by);
  };
  setHandler(cancelUpdate, take, {
    validator: (cancel) => {
      if (isClosed) throw ApplicationFailure.nonRetryable('It has ended already.', endedCode);
      if (typeof cancel.by !== 'string' || cancel.by === '') {
        throw ApplicationFailure.nonRetryable('cancel: by is missing.', 'spec.invalid');
      }
    },
  });
  CancellationScope.current().cancelRequested.catch(() => {
    isNative = true;
    request('Temporal');
  });
  return {
    by: () => by,
    asked: () => asked,
    isNative: () => isNative,
    close: () => void (isClosed = true),
    reopen: () => void (isClosed = false),
    get isClosed() {
      return isClosed;
    },
    interrupt: () => scope?.cancel(),
    interruptible: async (work) => {
      scope = new CancellationScope();
      try {
        return await scope.run(async () => {
          if (by !== undefined) scope?.cancel();
          return work();
        });
      } finally {
        scope = undefined;
      }
    },
  };
}
