import type { StoredEnd } from '@murnau/contracts';
import { MurnauError } from '@murnau/domain';
import { TerminatedFailure, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { createReconciler } from './reconcile.js';
import type { Reconciler, ReconcilerDeps, Row } from './reconcile.js';

interface Rows {
  unstarted: string[];
  open: { id: string; sweep_workflow_id?: string; sweep_phase?: string }[];
}

type Closing = 'open' | 'terminated' | 'completed' | 'unknown';

/** Workflows have the ids of their rows. */
interface World {
  reconciler: Reconciler;
  /** What was done to rows, in order. */
  done: string[];
  failed: string[];
  /** Calls of the list, and ids that were described. */
  lists: number;
  described: string[];
  signalled: string[];
}

function worldOf(
  rows: Partial<Record<Row['kind'], Partial<Rows>>>,
  {
    workflows = {},
    listed = [],
    failing = {},
    unreadable = [],
  }: {
    workflows?: Record<string, Closing>;
    /** Ids that the list has. */
    listed?: string[];
    /** Ids whose start, or end, fails. */
    failing?: Record<string, MurnauError>;
    /** Ids whose row cannot be read. */
    unreadable?: string[];
  } = {},
): World {
  const world: Omit<World, 'reconciler'> = { done: [], failed: [], lists: 0, described: [], signalled: [] };
  const fail = (id: string): void => {
    if (failing[id] !== undefined) throw failing[id];
  };
  const storeOf = (kind: Row['kind']) => ({
    unstarted: () => Promise.resolve(rows[kind]?.unstarted ?? []),
    get: (id: string) =>
      unreadable.includes(id)
        ? Promise.reject(new TypeError("Cannot read properties of null (reading 'max_steps')"))
        : Promise.resolve({ id }),
    startedAndOpen: ({ afterId = '' }) =>
      Promise.resolve(
        (rows[kind]?.open ?? [])
          .filter(({ id }) => id > afterId)
          .slice(0, 2)
          .map((row) => ({ ...row, workflow_id: row.id, workflow_chain: 3 })),
      ),
    markLost: (id: string, chain: number) => Promise.resolve(world.done.push(`${kind} ${id} lost ${chain}`)),
    endAbandoned: async (id: string, chain: number, { phase, failure }: StoredEnd) => {
      await Promise.resolve();
      fail(id);
      world.done.push(`${kind} ${id} ${phase} ${chain}: ${failure.message}`);
    },
    end: (id: string, { phase, failure }: StoredEnd) =>
      Promise.resolve(world.done.push(`${kind} ${id} ${phase}: ${failure.message}`)),
    endTrialsOfEndedSweeps: () => Promise.resolve(0),
  });
  const start = async ({ id }: { id: string }): Promise<void> => {
    await Promise.resolve();
    fail(id);
    world.done.push(`started ${id}`);
  };
  const closingOf = (id: string): Closing => workflows[id] ?? 'open';
  const client = {
    options: { namespace: 'default' },
    withDeadline: (_: number, work: () => Promise<unknown>) => work(),
    workflowService: {
      listWorkflowExecutions: ({ nextPageToken }: { nextPageToken?: Uint8Array }) => {
        world.lists += 1;
        const page = nextPageToken === undefined ? listed.slice(0, 2) : listed.slice(2);
        return Promise.resolve({
          executions: page.map((workflowId) => ({ execution: { workflowId } })),
          nextPageToken:
            nextPageToken === undefined && listed.length > 2 ? new Uint8Array([1]) : new Uint8Array(),
        });
      },
    },
    workflow: {
      getHandle: (id: string) => ({
        describe: () => {
          world.described.push(id);
          const closing = closingOf(id);
          if (closing === 'unknown') return Promise.reject(new WorkflowNotFoundError('', id, undefined));
          const name = closing === 'open' ? 'RUNNING' : closing.toUpperCase();
          return Promise.resolve({ runId: 'run', status: { name } });
        },
        result: () =>
          closingOf(id) === 'completed'
            ? Promise.resolve(undefined)
            : Promise.reject(new WorkflowFailedError('', new TerminatedFailure('why'), 'TIMEOUT')),
        signal: () => Promise.resolve(world.signalled.push(id)),
      }),
    },
  };
  const store = {
    runs: storeOf('run'),
    sweeps: storeOf('sweep'),
    generations: storeOf('generation'),
    withLock: (_: string, work: () => Promise<number>) => work(),
  };
  const deps = {
    store,
    client,
    starters: { startSweep: start, startTrainingRun: start, startGeneration: start },
    onRowFailed: ({ kind, id }: Row, { code }: MurnauError) =>
      void world.failed.push(`${kind} ${id} ${code}`),
  } as unknown as ReconcilerDeps;
  return Object.assign(world, { reconciler: createReconciler(deps) });
}

describe('rows whose workflow should be open', () => {
  it('are found by one list, however many there are', async () => {
    const open = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id }));
    const world = worldOf({ run: { open } }, { listed: ['a', 'b', 'c', 'd', 'e'] });
    expect(await world.reconciler.treatClosed()).toBe(0);
    expect(world.lists).toBe(2);
    expect(world.described).toEqual([]);
    expect(world.done).toEqual([]);
  });

  it('ask Temporal nothing when there are none', async () => {
    const world = worldOf({});
    expect(await world.reconciler.treatClosed()).toBe(0);
    expect(world.lists).toBe(0);
  });

  it('end with the reason, or go on in a workflow of the next chain: alike for all kinds', async () => {
    for (const kind of ['run', 'sweep', 'generation'] as const) {
      const open = ['a', 'b', 'c', 'd'].map((id) => ({ id }));
      const workflows = { b: 'terminated', c: 'unknown', d: 'completed' } as const;
      const world = worldOf({ [kind]: { open } }, { workflows });
      expect(await world.reconciler.treatClosed()).toBe(3);
      expect(world.done.sort()).toEqual([
        `${kind} b cancelled 3: Its workflow was terminated in Temporal: why`,
        `${kind} c lost 3`,
        `${kind} d lost 3`,
      ]);
    }
  });

  it('do not hold each other up', async () => {
    const broken = new MurnauError('internal', 'this row cannot be read');
    const workflows = { a: 'terminated', b: 'terminated' } as const;
    const world = worldOf(
      { run: { open: [{ id: 'a' }, { id: 'b' }] } },
      { workflows, failing: { a: broken } },
    );
    expect(await world.reconciler.treatClosed()).toBe(1);
    expect(world.done).toEqual(['run b cancelled 3: Its workflow was terminated in Temporal: why']);
    expect(world.failed).toEqual(['run a internal']);
  });

  it('wait for the next round when the store is away', async () => {
    const away = new MurnauError('storage.unavailable', 'away');
    const world = worldOf(
      { run: { open: [{ id: 'a' }] } },
      { workflows: { a: 'terminated' }, failing: { a: away } },
    );
    await expect(world.reconciler.treatClosed()).rejects.toThrow(away);
    expect(world.failed).toEqual([]);
  });

  it('let the sweep know of its trials, and the trials of their sweep', async () => {
    const trial = { sweep_workflow_id: 'sweep', sweep_phase: 'running' };
    const left = { sweep_workflow_id: 'ended', sweep_phase: 'cancelled' };
    const open = [
      { id: 'a', ...trial },
      { id: 'b', ...trial },
      { id: 'c', ...left },
    ];
    const world = worldOf({ run: { open } }, { workflows: { a: 'unknown' }, listed: ['b', 'c'] });
    await world.reconciler.treatClosed();
    expect(world.signalled.sort()).toEqual(['c', 'sweep']);
  });
});

describe('rows that were not started', () => {
  it('are started, and fail with the reason when they cannot be', async () => {
    const broken = new MurnauError('internal', 'no such thing');
    const world = worldOf(
      { run: { unstarted: ['b', 'a'] }, sweep: { unstarted: ['c'] } },
      { failing: { a: broken } },
    );
    for (let round = 1; round <= 4; round += 1) expect(await world.reconciler.startUnstarted()).toBe(2);
    expect(world.done).not.toContain('run a failed: Its workflow cannot be started: no such thing');
    await world.reconciler.startUnstarted();
    expect(world.done.at(-1)).toBe('run a failed: Its workflow cannot be started: no such thing');
    expect(world.failed).toEqual(Array(5).fill('run a internal'));
  });

  it('fail with the reason when they cannot be read, and hold up no other', async () => {
    for (const kind of ['run', 'sweep', 'generation'] as const) {
      const world = worldOf({ [kind]: { unstarted: ['b', 'a'] } }, { unreadable: ['b'] });
      for (let round = 1; round <= 5; round += 1) expect(await world.reconciler.startUnstarted()).toBe(1);
      expect(world.done.filter((line) => line === 'started a')).toHaveLength(5);
      const ended = world.done.filter((line) => line !== 'started a').join();
      expect(ended).toContain(`${kind} b failed: Its workflow cannot be started: Cannot read`);
    }
  });

  it('wait for the next round when Temporal is away', async () => {
    const away = new MurnauError('temporal.unavailable', 'away');
    const world = worldOf({ run: { unstarted: ['a'] } }, { failing: { a: away } });
    for (let round = 1; round <= 6; round += 1) {
      await expect(world.reconciler.startUnstarted()).rejects.toThrow(away);
    }
    expect(world.done).toEqual([]);
  });
});
