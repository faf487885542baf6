import { patched } from '@temporalio/workflow';

/**
 * Every change of behaviour that recorded histories must be told apart by: number, date, workflow, reason. A patch is
 * removed when no workflow that began before it can be open any more. None yet:
 *
 * | number | date | patch | reason |
 * | --- | --- | --- | --- |
 */
export const patches = {} as const satisfies Record<string, string>;

export const isPatched = (name: keyof typeof patches): boolean => patched(patches[name]);
