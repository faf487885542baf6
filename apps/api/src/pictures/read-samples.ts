import type { Sample } from '@murnau/domain';
import type { ServerDeps } from '../server-deps.js';
import { spread } from './choose-samples.js';

/** The newest pictures of many runs at once, by run: of each kind those of its last step. */
export async function newestByRun(
  { store }: ServerDeps,
  runIds: readonly string[],
): Promise<Map<string, Sample[]>> {
  const grouped = new Map<string, Sample[]>();
  for (const { run_id, ...sample } of await store.runs.newestSamples([...new Set(runIds)])) {
    const samples = grouped.get(run_id) ?? [];
    samples.push(sample);
    grouped.set(run_id, samples);
  }
  return grouped;
}

/** A run's pictures: those on the way of at most so many steps, first and last among them, and those of the end. */
export async function spreadSamples(
  { store }: ServerDeps,
  runId: string,
  mostSteps: number,
): Promise<Sample[]> {
  const steps = await store.runs.sampledSteps(runId);
  return store.runs.samplesAt(runId, spread(steps, mostSteps));
}
