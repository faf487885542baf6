import { patched } from '@temporalio/workflow';

/**
 * Every change of behaviour that recorded histories must be told apart by: number, date, workflow, reason. A patch is
 * removed when no workflow that began before it can be open any more.
 *
 * | number | date | patch | reason |
 * | --- | --- | --- | --- |
 * | 1 | 2026-11-25 | training-run/near-books | decisions within the workflow's task; the sweep is signalled only where Temporal does not tell it |
 * | 2 | 2026-11-25 | sweep/near-books | decisions within the workflow's task; trials' ends are heard from Temporal; starts are noted with the next decision |
 * | 3 | 2026-11-27 | sweep/rolling-starts | a sweep decides, and starts more, while earlier starts are under way |
 */
export const patches = {
  nearRunBooks: 'training-run/near-books',
  nearSweepBooks: 'sweep/near-books',
  rollingStarts: 'sweep/rolling-starts',
} as const satisfies Record<string, string>;

export const isPatched = (name: keyof typeof patches): boolean => patched(patches[name]);
