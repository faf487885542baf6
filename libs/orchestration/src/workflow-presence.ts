import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { toTemporalError } from './temporal-calls.js';

const timeoutMs = 5_000;

/** What Temporal knows of a workflow's newest run: it is open, it has closed, or there never was one. */
type WorkflowPresence =
  | { readonly kind: 'open' }
  | { readonly kind: 'closed'; readonly runId: string }
  | { readonly kind: 'unknown' };

const isOpenStatus = ({ status: { name } }: Pick<WorkflowExecutionInfo, 'status'>): boolean =>
  name === 'RUNNING' || name === 'PAUSED';

export async function presenceOf(client: Client, workflowId: string): Promise<WorkflowPresence> {
  const described = await unlessUnknown(client, () => client.workflow.getHandle(workflowId).describe());
  if (described === undefined) return { kind: 'unknown' };
  return isOpenStatus(described) ? { kind: 'open' } : { kind: 'closed', runId: described.runId };
}

/** Asks a workflow to end. False: there is none that could. */
export async function cancelWorkflow(client: Client, workflowId: string): Promise<boolean> {
  const cancelled = await unlessUnknown(client, () => client.workflow.getHandle(workflowId).cancel());
  return cancelled !== undefined;
}

/** One that is not open needs no signal. */
export async function signalWorkflow(
  client: Client,
  workflowId: string,
  signal: string,
  ...args: readonly object[]
): Promise<void> {
  await unlessUnknown(client, async () => {
    await client.workflow.getHandle(workflowId).signal(signal, ...args);
    return true;
  });
}

async function unlessUnknown<Result>(
  client: Client,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await client.withDeadline(Date.now() + timeoutMs, work);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw toTemporalError(error);
  }
}
