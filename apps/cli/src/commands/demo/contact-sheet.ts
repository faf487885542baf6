import type { ApiClient } from '@murnau/api-client';
import { baselineWordOf } from '@murnau/domain';
import type { Run, Sample } from '@murnau/domain';
import { collect } from '../../core/list.js';

const mostPictures = 8;

/** One PNG: the reference pictures, what the best run's word gives, and what its initializer word gives. */
export async function demoSheet(client: ApiClient, run: Run): Promise<Uint8Array> {
  const { contactSheet } = await import('@murnau/images');
  const [dataset, finals, baselines] = await Promise.all([
    client.dataset(run.dataset_id),
    collect(client.samples(run.id, { kind: 'final' })),
    collect(client.samples(run.id, { kind: 'baseline' })),
  ]);
  const load = (entries: readonly { readonly hash: string }[]): Promise<Buffer[]> =>
    Promise.all(entries.slice(0, mostPictures).map(async ({ hash }) => Buffer.from(await client.blob(hash))));
  const newest = (samples: readonly Sample[]): Sample[] => {
    const last = Math.max(0, ...samples.map(({ step }) => step));
    return samples.filter(({ step }) => step === last);
  };
  const rows = [
    { label: 'pictures given', pictures: await load(dataset.images) },
    { label: `learnt "${run.spec.placeholder_token}"`, pictures: await load(newest(finals)) },
    { label: `before: "${baselineWordOf(run)}"`, pictures: await load(newest(baselines)) },
  ];
  return contactSheet({
    title: `${run.name}, ${run.spec.max_steps} steps`,
    rows: rows.filter(({ pictures }) => pictures.length > 0),
  });
}
