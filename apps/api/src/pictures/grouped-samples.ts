import type { Sample } from '@murnau/domain';
import type { ServerDeps } from '../server-deps.js';

/** Pictures of many runs at once, by run. */
export async function groupedSamples(
  { store }: ServerDeps,
  runIds: readonly string[],
): Promise<Map<string, Sample[]>> {
  const grouped = new Map<string, Sample[]>();
  for (const { run_id, ...sample } of await store.runs.samplesOf([...new Set(runIds)])) {
    const samples = grouped.get(run_id) ?? [];
    samples.push(sample);
    grouped.set(run_id, samples);
  }
  return grouped;
}
