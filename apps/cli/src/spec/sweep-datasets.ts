import type { ApiClient } from '@murnau/api-client';
import { MurnauError, needsOfSweep } from '@murnau/domain';
import type { PlannedTrial, SweepFile } from '@murnau/domain';
import { checkReference, ensureDataset, resolveDataset } from './datasets.js';
import type { DatasetReference } from './datasets.js';
import type { BadPictureRule } from './picture-folder.js';
import type { Locate } from './sweep-file.js';

/** Each dataset that a sweep names, by the name it gives it. */
type SweepDatasets = ReadonlyMap<string, DatasetReference>;

/** A sweep whose datasets are to be found; `locate` tells where in its file, if it is one. */
interface NamedDatasets {
  readonly file: SweepFile;
  readonly folder: string;
  readonly trials: readonly PlannedTrial[];
  readonly locate?: Locate;
}

/** Whether any trial learns from it: the sweep's own is named even where each pair has another. */
const isUsed = ({ dataset, parameters: { pair } }: SweepFile, name: string): boolean =>
  pair.values.some((entry) => (entry.dataset ?? dataset) === name);

/** Finds and checks every folder before anything is sent. */
export async function resolveSweepDatasets(
  { file, folder, trials, locate = (error) => error }: NamedDatasets,
  onBadPicture: BadPictureRule = 'refuse',
): Promise<SweepDatasets> {
  const needs = needsOfSweep(file);
  const names = new Set([file.dataset, ...trials.map(({ dataset }) => dataset)]);
  const found = new Map<string, DatasetReference>();
  for (const name of names) {
    try {
      const reference = await resolveDataset(name, folder, onBadPicture);
      if (isUsed(file, name)) checkReference(reference, needs);
      found.set(name, reference);
    } catch (error) {
      if (!(error instanceof MurnauError)) throw error;
      const { code, message, given, allowed } = error;
      throw locate(
        new MurnauError(code, message, { field: fieldOf(file, name), given, allowed, cause: error }),
      );
    }
  }
  return found;
}

function fieldOf({ dataset, parameters: { pair } }: SweepFile, name: string): string {
  const index = pair.values.findIndex((entry) => entry.dataset === name);
  return dataset === name || index < 0 ? 'dataset' : `parameters.pair.values[${index}].dataset`;
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
