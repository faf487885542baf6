import { toStoredEnd, workflowMessages, workflowTypes } from '@murnau/contracts';
import type { StoredEnd } from '@murnau/contracts';
import { isEnded, toMurnauError } from '@murnau/domain';
import type { MurnauError } from '@murnau/domain';
import type { OpenQuery, OpenWorkflow, Store } from '@murnau/store';
import type { Client } from '@temporalio/client';
import pMap from 'p-map';
import type { Starters } from './create-starters.js';
import { howItClosed } from './how-it-closed.js';
import { toTemporalError } from './temporal-calls.js';
import { presenceOf, signalWorkflow } from './workflow-presence.js';

export interface ReconcilerDeps {
  readonly store: Pick<Store, 'runs' | 'sweeps' | 'generations' | 'withLock'>;
  readonly client: Client;
  readonly starters: Pick<Starters, 'startTrainingRun' | 'startSweep' | 'startGeneration'>;
  /** A row could not be treated; the others were. */
  readonly onRowFailed: (row: Row, error: MurnauError) => void;
}

export interface Row {
  readonly kind: 'run' | 'sweep' | 'generation';
  readonly id: string;
}

/** Holds the store's rows against Temporal's workflows. Each method is one round, by one process at a time. */
export interface Reconciler {
  /** Starts what was stored and not started: its API died between the two, or Temporal lost it. @returns how many */
  startUnstarted(): Promise<number>;
  /** Treats rows whose workflow should be open and is not. @returns how many */
  treatClosed(): Promise<number>;
}

/** Calls to Temporal at once. */
const concurrency = 10;
/** Rounds in which a row that cannot be started is tried again, before it ends as failed. */
const mostFailedStarts = 5;
const pageSize = 1_000;

/** What runs, sweeps and generations have in common. */
interface Rows {
  readonly kind: Row['kind'];
  /** Ids: a row that cannot be read must not keep the others from being started. */
  unstarted(): Promise<string[]>;
  start(id: string): Promise<void>;
  startedAndOpen(query: OpenQuery): Promise<OpenWorkflow[]>;
  markLost(id: string, chain: number): Promise<unknown>;
  endAbandoned(id: string, chain: number, end: StoredEnd): Promise<unknown>;
  end(id: string, end: StoredEnd): Promise<unknown>;
}

interface SweepOfRow {
  readonly sweep_workflow_id?: string | null;
  readonly sweep_phase?: string | null;
}

export function createReconciler({ store, client, starters, onRowFailed }: ReconcilerDeps): Reconciler {
  const failedStarts = new Map<string, number>();
  const all: Rows[] = [
    rowsOf('sweep', store.sweeps, async (id) => starters.startSweep(await store.sweeps.get(id))),
    rowsOf('run', store.runs, async (id) => starters.startTrainingRun(await store.runs.get(id))),
    rowsOf('generation', store.generations, async (id) =>
      starters.startGeneration(await store.generations.get(id)),
    ),
  ];

  async function start(rows: Rows, id: string): Promise<boolean> {
    const key = `${rows.kind} ${id}`;
    try {
      await rows.start(id);
      failedStarts.delete(key);
      return true;
    } catch (error) {
      const failure = failureOfRow(error);
      onRowFailed({ kind: rows.kind, id }, failure);
      const failures = (failedStarts.get(key) ?? 0) + 1;
      failedStarts.set(key, failures);
      if (failures >= mostFailedStarts) {
        failedStarts.delete(key);
        await giveUp(rows, id, failure);
      }
      return false;
    }
  }

  async function giveUp(rows: Rows, id: string, { code, message }: MurnauError): Promise<void> {
    const why = { code, message: `Its workflow cannot be started: ${message}` };
    try {
      await rows.end(id, toStoredEnd(rows.kind, { kind: 'failed', failure: why }));
    } catch (error) {
      onRowFailed({ kind: rows.kind, id }, failureOfRow(error));
    }
  }

  /** @returns whether the row changed */
  async function treatRow(rows: Rows, row: OpenWorkflow & SweepOfRow, isListed: boolean): Promise<boolean> {
    const { id, workflow_id, workflow_chain } = row;
    const presence = isListed ? ({ kind: 'open' } as const) : await presenceOf(client, workflow_id);
    if (presence.kind === 'open') {
      // A trial whose sweep ended without cancelling it ends itself when it decides again.
      const isLeft = row.sweep_phase != null && isEnded(row.sweep_phase);
      if (isLeft) await signalWorkflow(client, workflow_id, workflowMessages.decideAgain);
      return false;
    }
    const end =
      presence.kind === 'closed'
        ? await howItClosed(client, rows.kind, { workflowId: workflow_id, runId: presence.runId })
        : undefined;
    // One that Temporal lost, or that completed with its row open, goes on in a workflow of the next chain.
    if (end === undefined) await rows.markLost(id, workflow_chain);
    else await rows.endAbandoned(id, workflow_chain, end);
    if (row.sweep_workflow_id != null) {
      await signalWorkflow(client, row.sweep_workflow_id, workflowMessages.decideAgain);
    }
    return true;
  }

  async function startUnstarted(): Promise<number> {
    let started = 0;
    for (const rows of all) {
      const wanted = await rows.unstarted();
      const isStarted = await pMap(wanted, (id) => start(rows, id), { concurrency });
      started += isStarted.filter(Boolean).length;
    }
    return started;
  }

  async function treatClosed(): Promise<number> {
    let treated = 0;
    const open: [Rows, OpenWorkflow][] = [];
    for (const rows of all)
      open.push(...(await allOpen(rows)).map((row) => [rows, row] as [Rows, OpenWorkflow]));
    if (open.length > 0) {
      const listed = await listOpenWorkflows(client);
      const treat = async ([rows, row]: [Rows, OpenWorkflow]): Promise<void> => {
        try {
          if (await treatRow(rows, row, listed.has(row.workflow_id))) treated += 1;
        } catch (error) {
          onRowFailed({ kind: rows.kind, id: row.id }, failureOfRow(error));
        }
      };
      await pMap(open, treat, { concurrency });
    }
    return treated + (await store.runs.endTrialsOfEndedSweeps());
  }

  return {
    startUnstarted: async () => (await store.withLock('starting workflows', startUnstarted)) ?? 0,
    treatClosed: async () => (await store.withLock('reconciling with Temporal', treatClosed)) ?? 0,
  };
}

/** A failure of one row is its own. @throws one of the store or of Temporal, which ends the round */
function failureOfRow(error: unknown): MurnauError {
  const failure = toMurnauError(error);
  if (failure.kind.retryable && failure.code !== 'internal') throw failure;
  return failure;
}

function rowsOf(
  kind: Row['kind'],
  stored: Omit<Rows, 'kind' | 'start'>,
  start: (id: string) => Promise<void>,
): Rows {
  return {
    kind,
    start,
    unstarted: () => stored.unstarted(),
    startedAndOpen: (query) => stored.startedAndOpen(query),
    markLost: (id, chain) => stored.markLost(id, chain),
    endAbandoned: (id, chain, end) => stored.endAbandoned(id, chain, end),
    end: (id, end) => stored.end(id, end),
  };
}

async function allOpen(rows: Rows): Promise<OpenWorkflow[]> {
  const found: OpenWorkflow[] = [];
  for (;;) {
    const page = await rows.startedAndOpen({ afterId: found.at(-1)?.id ?? '' });
    if (page.length === 0) return found;
    found.push(...page);
  }
}

/**
 * Ids of the workflows that are open. Temporal's list is behind by a moment: what is missing in it is looked at singly.
 */
async function listOpenWorkflows(client: Client): Promise<Set<string>> {
  const { trainingRun, sweep, generation } = workflowTypes;
  const types = [trainingRun, sweep, generation].map((type) => `'${type}'`).join(', ');
  const query = `ExecutionStatus = 'Running' AND WorkflowType IN (${types})`;
  const ids = new Set<string>();
  let nextPageToken: Uint8Array | undefined;
  try {
    do {
      const page = await client.withDeadline(Date.now() + 10_000, () =>
        client.workflowService.listWorkflowExecutions({
          namespace: client.options.namespace,
          query,
          pageSize,
          ...(nextPageToken !== undefined && { nextPageToken }),
        }),
      );
      for (const { execution } of page.executions)
        if (execution?.workflowId != null) ids.add(execution.workflowId);
      nextPageToken = page.nextPageToken;
    } while (nextPageToken !== undefined && nextPageToken.length > 0);
  } catch (error) {
    throw toTemporalError(error);
  }
  return ids;
}
