import { failureOf, workflowMessages } from '@murnau/contracts';
import type { CancelRequest, Ending } from '@murnau/contracts';
import type { Asked } from '@murnau/domain';
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  ContinueAsNew,
  defineUpdate,
  setHandler,
} from '@temporalio/workflow';

export const cancelUpdate = defineUpdate<void, [CancelRequest]>(workflowMessages.cancel);

type Kind = 'run' | 'sweep' | 'generation';

/** What a run, a sweep or a generation does between its start and its end. */
interface Lifetime<Own, Outcome> {
  readonly kind: Kind;
  /** Installs the handlers of its messages. */
  readonly listen: (requests: Requests) => void;
  /** Decides and acts once. Undefined: there is more to do. */
  readonly step: (requests: Requests) => Promise<Own | Ending | undefined>;
  /** Stores the end, and shows it. Undefined: the store has something to do again. */
  readonly end: (ending: Own | Ending) => Promise<Outcome | undefined>;
}

/**
 * The one way in which a workflow lives: it decides and acts until an end comes, and closes when the end is stored.
 * Whatever brings the end (a decision, a request, an activity that cannot succeed) is stored with its reason; should
 * even that fail, the reconciler stores it (libs/orchestration/src/reconcile.ts).
 */
export async function runToEnd<Own extends { kind: string }, Outcome extends { phase: string }>({
  kind,
  listen,
  step,
  end,
}: Lifetime<Own, Outcome>): Promise<Outcome> {
  const requests = new Requests(kind);
  return CancellationScope.nonCancellable(async () => {
    listen(requests);
    for (;;) {
      const ending = await untilEnding(step, requests);
      requests.close();
      const stored = await storeEnd(end, ending);
      if (stored.outcome !== undefined) {
        await condition(allHandlersFinished);
        return close(kind, stored.outcome, stored.ending, requests);
      }
      requests.reopen();
    }
  });
}

async function untilEnding<Own extends { kind: string }>(
  step: Lifetime<Own, unknown>['step'],
  requests: Requests,
): Promise<Own | Ending> {
  for (;;) {
    requests.beginStep();
    const ending = requests.cancellation() ?? (await endingOf(step, requests));
    if (ending === undefined) continue;
    await condition(allHandlersFinished);
    if (ending.kind === 'cancelled') return ending;
    // A request to end comes first, and an edit that was stored meanwhile may give it something to do.
    const isStale = requests.cancellation() !== undefined || (ending.kind !== 'failed' && requests.hasNew());
    if (!isStale) return ending;
  }
}

async function endingOf<Own>(
  step: Lifetime<Own, unknown>['step'],
  requests: Requests,
): Promise<Own | Ending | undefined> {
  try {
    return await step(requests);
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    return { kind: 'failed', failure: failureOf(error) };
  }
}

/** An end that cannot be stored as it is (a run without anything to publish) is stored as a failure. */
async function storeEnd<Own, Outcome>(
  end: Lifetime<Own, Outcome>['end'],
  ending: Own | Ending,
): Promise<{ outcome: Outcome | undefined; ending: Own | Ending }> {
  try {
    return { outcome: await end(ending), ending };
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const failed: Ending = { kind: 'failed', failure: failureOf(error) };
    return { outcome: await end(failed), ending: failed };
  }
}

/** Closes in the way that Temporal's own lists show it. */
function close<Outcome extends { phase: string }>(
  kind: Kind,
  outcome: Outcome,
  ending: { kind: string } | Ending,
  requests: Requests,
): Outcome {
  if (outcome.phase === 'failed') {
    const why = 'failure' in ending ? `: ${ending.failure.code}: ${ending.failure.message}` : '.';
    throw ApplicationFailure.nonRetryable(`The ${kind} failed${why}`, `${kind}.failed`);
  }
  if (outcome.phase === 'cancelled' && requests.isFromTemporal) {
    throw new CancelledFailure(`The ${kind} was cancelled.`);
  }
  return outcome;
}

/** What a workflow was asked and told, and how that reaches what is at work. */
export class Requests {
  private endRequest: { readonly by: string; readonly asked?: Asked } | undefined;
  private isClosed = false;
  private changes = 0;
  private changesSeen = 0;
  private scope: CancellationScope | undefined;
  /** Temporal itself was asked for the end: the workflow closes as cancelled. */
  isFromTemporal = false;

  /** Installs the handlers of the end. Call it first thing, in the workflow's own scope. */
  constructor(private readonly kind: Kind) {
    setHandler(cancelUpdate, ({ by, why }) => this.requestEnd({ by, asked: { by, why } }), {
      // Asking twice is asking once.
      validator: (request) => this.refuseAfterEnd(request, this.isClosed && this.endRequest === undefined),
    });
    CancellationScope.current().cancelRequested.catch(() => {
      this.isFromTemporal = true;
      this.requestEnd({ by: 'Temporal' });
    });
  }

  /** Something was stored or heard: what is at work is interrupted, and the workflow decides again. */
  note(): void {
    this.changes += 1;
    this.scope?.cancel();
  }

  /** Whether something was noted, or the end was asked for, since the step began. */
  hasNew(): boolean {
    return this.changes > this.changesSeen || this.endRequest !== undefined;
  }

  beginStep(): void {
    this.changesSeen = this.changes;
  }

  /** The end that was asked for. */
  cancellation(): Ending | undefined {
    return this.endRequest === undefined ? undefined : { kind: 'cancelled', ...this.endRequest };
  }

  /** Runs work that a request interrupts. */
  async interruptible<Result>(work: () => Promise<Result>): Promise<Result> {
    const scope = new CancellationScope();
    this.scope = scope;
    try {
      return await scope.run(async () => {
        if (this.hasNew()) scope.cancel();
        return work();
      });
    } finally {
      this.scope = undefined;
    }
  }

  /** Waits until no update is being handled. @returns whether the workflow may continue as new */
  async drained(): Promise<boolean> {
    await condition(allHandlersFinished);
    return this.endRequest === undefined;
  }

  /** Validator of updates that change the work. */
  refuse(request: { readonly by: string }): void {
    this.refuseAfterEnd(request, this.isClosed || this.endRequest !== undefined);
  }

  /** From here on the end is certain, and a request comes too late. */
  close(): void {
    this.isClosed = true;
  }

  /** The end was not certain after all. */
  reopen(): void {
    this.isClosed = false;
  }

  private requestEnd(request: { readonly by: string; readonly asked?: Asked }): void {
    this.endRequest ??= request;
    this.scope?.cancel();
  }

  private refuseAfterEnd({ by }: { readonly by: string }, hasEnded: boolean): void {
    if (hasEnded)
      throw ApplicationFailure.nonRetryable('It has ended already.', `${this.kind}.already_ended`);
    if (typeof by !== 'string' || by === '') {
      throw ApplicationFailure.nonRetryable('by is missing.', 'spec.invalid');
    }
  }
}
