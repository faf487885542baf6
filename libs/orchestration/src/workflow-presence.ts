import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';

const timeoutMs = 5_000;

/** What Temporal knows of a workflow: it works, it is over, or it was never heard of. */
export type WorkflowPresence = 'open' | 'closed' | 'unknown';

export async function presenceOf(client: Client, workflowId: string): Promise<WorkflowPresence> {
  try {
    const { status } = await client.withDeadline(Date.now() + timeoutMs, () =>
      client.workflow.getHandle(workflowId).describe(),
    );
    return status.name === 'RUNNING' || status.name === 'PAUSED' ? 'open' : 'closed';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'unknown';
    throw error;
  }
}

/** Asks a workflow to end. False: there is none that could. */
export async function cancelWorkflow(client: Client, workflowId: string): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + timeoutMs, () => client.workflow.getHandle(workflowId).cancel());
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** One that is not there needs no word. */
export async function signalWorkflow(client: Client, workflowId: string, signal: string): Promise<void> {
  try {
    await client.withDeadline(Date.now() + timeoutMs, () =>
      client.workflow.getHandle(workflowId).signal(signal),
    );
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** Maps with at most `limit` calls at once, in order of the results. */
export async function mapBounded<Item, Result>(
  items: readonly Item[],
  limit: number,
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await map(items[index] as Item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  return results;
}
