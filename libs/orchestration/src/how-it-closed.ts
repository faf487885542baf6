import { fromFailure, toStoredEnd } from '@murnau/contracts';
import type { StoredEnd } from '@murnau/contracts';
import { CancelledFailure, TerminatedFailure, WorkflowFailedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { toTemporalError } from './temporal-calls.js';

const timeoutMs = 5_000;

/** How a run of a workflow closed, in the words of the store. Undefined: it completed. */
export async function howItClosed(
  client: Client,
  kind: 'run' | 'sweep' | 'generation',
  { workflowId, runId }: { workflowId: string; runId: string },
): Promise<StoredEnd | undefined> {
  const handle = client.workflow.getHandle(workflowId, runId, { followRuns: false });
  try {
    await client.withDeadline(Date.now() + timeoutMs, () => handle.result());
    return undefined;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw toTemporalError(error);
    const { cause } = error;
    if (cause instanceof TerminatedFailure)
      return cancelled(kind, `was terminated in Temporal: ${cause.message}`);
    if (cause instanceof CancelledFailure) return cancelled(kind, 'was cancelled in Temporal.');
    const { code, message } = fromFailure(cause);
    return toStoredEnd(kind, {
      kind: 'failed',
      failure: { code, message: `Its workflow failed: ${message}` },
    });
  }
}

function cancelled(kind: 'run' | 'sweep' | 'generation', how: string): StoredEnd {
  const end = toStoredEnd(kind, { kind: 'cancelled', by: 'Temporal' });
  return { ...end, failure: { ...end.failure, message: `Its workflow ${how}` } };
}
