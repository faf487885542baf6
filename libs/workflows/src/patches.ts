import { patched } from '@temporalio/workflow';

/**
 * Changes of behaviour that recorded histories must be told apart by: number, date, workflow, reason. A workflow whose
 * commands change asks `isPatched`, keeps the former commands in the other branch, and gets a new recorded history
 * beside the former ones (`npm run histories` in apps/dispatcher). A patch is removed, with its former branch and the
 * histories recorded before it, when no workflow that began before it can be open any more.
 *
 * | number | date | patch | reason |
 * | --- | --- | --- | --- |
 *
 * Numbers go on from 4: 1 to 3 belong to data folders of an earlier edition.
 */
export const patches = {} as const satisfies Record<
  string,
  `${'training-run' | 'sweep' | 'generation'}/${string}`
>;

export const isPatched = (name: keyof typeof patches): boolean => patched(patches[name]);
