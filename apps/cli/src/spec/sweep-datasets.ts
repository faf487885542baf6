import type { ApiClient } from '@murnau/api-client';
import type { SweepFile } from '@murnau/domain';
import { ensureDataset, resolveDataset } from './datasets.js';
import type { DatasetReference } from './datasets.js';
import type { LoadedSweep } from './sweep-file.js';

/** Each dataset that a sweep names, by the name it gives it. */
export type SweepDatasets = ReadonlyMap<string, DatasetReference>;

/** Finds and checks every folder before anything is sent. */
export async function resolveSweepDatasets({ file, folder, trials }: LoadedSweep): Promise<SweepDatasets> {
  const names = new Set([file.dataset, ...trials.map(({ dataset }) => dataset)]);
  const found = new Map<string, DatasetReference>();
  for (const name of names) found.set(name, await resolveDataset(name, folder));
  return found;
}

/** Uploads what the server lacks and puts ids in the place of folders. */
export async function withUploadedDatasets(
  client: ApiClient,
  file: SweepFile,
  datasets: SweepDatasets,
  onUploaded: (name: string, pictures: number, sent: number) => void,
): Promise<SweepFile> {
  const ids = new Map<string, string>();
  for (const [name, reference] of datasets) {
    const { dataset, sent } = await ensureDataset(client, reference);
    ids.set(name, dataset.id);
    onUploaded(dataset.name, dataset.images.length, sent);
  }
  const idOf = (name: string): string => ids.get(name) ?? name;
  const { pair } = file.parameters;
  const values = pair.values.map((entry) =>
    entry.dataset === undefined ? entry : { ...entry, dataset: idOf(entry.dataset) },
  );
  return {
    ...file,
    dataset: idOf(file.dataset),
    parameters: { ...file.parameters, pair: { ...pair, values } },
  };
}
