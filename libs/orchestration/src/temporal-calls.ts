import { attributePairs, fromFailure, orchestratorQueue, workflowTaskTimeoutMs } from '@murnau/contracts';
import type { WorkflowCard } from '@murnau/contracts';
import { MurnauError, toMurnauError } from '@murnau/domain';
import {
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateStage,
} from '@temporalio/client';
import type { Client } from '@temporalio/client';

const callTimeoutMs = 5_000;
/** Until a workflow has taken what it must answer itself: its orchestrator may have been killed over its task. */
const updateTimeoutMs = 10_000;
/**
 * For the work of what it has taken, which may be ten thousand trials: less than the minute that a client waits for an
 * answer. The work goes on after that, and a repetition under the same id is answered with its end.
 */
const updateWorkTimeoutMs = 55_000;
/** gRPC status of a call that can never succeed as it is. */
const invalidArgument = 3;

interface NewWorkflow {
  readonly type: string;
  readonly workflowId: string;
  readonly input: object;
  readonly card: WorkflowCard;
  readonly priority?: number;
}

/** Calls to Temporal with a deadline each. A server that is away is `temporal.unavailable`. */
export class TemporalCalls {
  constructor(private readonly client: Client) {}

  /** @returns false: one of this id is open, perhaps about to close */
  async start({ type, workflowId, input, card, priority }: NewWorkflow): Promise<boolean> {
    try {
      await this.call(callTimeoutMs, () =>
        this.client.workflow.start(type, {
          workflowId,
          taskQueue: orchestratorQueue,
          // What was started, ended, and is stored as to be started again, is.
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          args: [input],
          workflowTaskTimeout: workflowTaskTimeoutMs,
          ...(priority === undefined ? {} : { priority: { priorityKey: priority } }),
          staticSummary: card.summary,
          staticDetails: card.details,
          typedSearchAttributes: attributePairs(card.attributes),
        }),
      );
      return true;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      return false;
    }
  }

  /**
   * @returns false: there is no such workflow (yet, or any more)
   * @throws what the workflow refused the update with
   */
  async update(workflowId: string, name: string, argument: object, updateId: string): Promise<boolean> {
    try {
      const taken = await this.call(updateTimeoutMs, () =>
        this.client.workflow.getHandle(workflowId).startUpdate(name, {
          args: [argument],
          updateId,
          waitForStage: WorkflowUpdateStage.ACCEPTED,
        }),
      );
      await this.call(updateWorkTimeoutMs, () => taken.result());
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error instanceof WorkflowUpdateFailedError ? fromFailure(error.cause) : error;
    }
  }

  /** Starts a workflow that answers a question, and waits for the answer. */
  async execute<Result>({ type, workflowId, input, card }: NewWorkflow, timeoutMs: number): Promise<Result> {
    try {
      const handle = await this.call(callTimeoutMs, () =>
        this.client.workflow.start(type, {
          workflowId,
          taskQueue: orchestratorQueue,
          args: [input],
          workflowExecutionTimeout: timeoutMs,
          staticSummary: card.summary,
          typedSearchAttributes: attributePairs(card.attributes),
        }),
      );
      return (await this.call(timeoutMs + callTimeoutMs, () => handle.result())) as Result;
    } catch (error) {
      throw error instanceof WorkflowFailedError ? fromFailure(error.cause) : error;
    }
  }

  private async call<Result>(timeoutMs: number, work: () => Promise<Result>): Promise<Result> {
    try {
      return await this.client.withDeadline(Date.now() + timeoutMs, work);
    } catch (error) {
      const isAnswer =
        error instanceof WorkflowExecutionAlreadyStartedError ||
        error instanceof WorkflowFailedError ||
        error instanceof WorkflowNotFoundError ||
        error instanceof WorkflowUpdateFailedError;
      throw isAnswer ? error : toTemporalError(error);
    }
  }
}

/** What a call failed with that got no answer of its kind. */
export function toTemporalError(error: unknown): MurnauError {
  const { message } = toMurnauError(error);
  const cause = error instanceof Error && isGrpcServiceError(error.cause) ? error.cause : error;
  if (isGrpcServiceError(cause) && cause.code === invalidArgument) {
    return new MurnauError('internal', `Temporal refuses the call: ${cause.details}`, { cause: error });
  }
  return new MurnauError('temporal.unavailable', `Temporal does not answer: ${message}`, { cause: error });
}
