import { generationRequestSchema, parse, type RemovableKind, removableKinds } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestStore, type TestStore } from '../test-store.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const claim = { chain: 0, segment: 1, attempt: 1 };
const cancelled = { phase: 'cancelled' } as const;
const remove: TestStore['store']['remove'] = (subject, options) => test.store.remove(subject, options);

/** A run that has published its embedding. */
async function finishedRun(spec: Parameters<TestStore['newRun']>[0] = {}): Promise<[string, string]> {
  const id = await test.newRun(spec);
  const { epoch } = await test.store.runs.claim(id, claim, 'worker-0');
  const hash = await test.blob(`state of ${id}`);
  await test.store.runs.recordProgress(id, epoch, {
    metrics: [{ step: 25, name: 'eval_loss', value: 1 }],
    checkpoint: { step: 25, state_hash: hash, embedding_hash: hash },
  });
  return [id, (await test.store.runs.finish(id, epoch)).embedding_id];
}

const newGeneration = async (embedding_ids: string[] = []): Promise<string> => {
  const given = { task: 'text2img', prompt: 'x', embedding_ids };
  const request = parse(generationRequestSchema, given, 'request');
  return (await test.store.generations.create({ owner: 'ann', request })).id;
};

/** Sweeps are of the dataset given. */
const newSweep = (dataset: string) => test.newSweep({ dataset, parameters: { seed: { values: [1, 2, 3] } } });

async function endSweep(id: string): Promise<void> {
  await test.store.sweeps.end(id, cancelled);
}

/** One of each kind, that may be removed. */
const one: Record<RemovableKind, () => Promise<string>> = {
  dataset: () => test.newDataset(),
  run: async () => (await finishedRun())[0],
  sweep: async () => {
    const { id } = await newSweep(await test.newDataset());
    await endSweep(id);
    return id;
  },
  embedding: async () => (await finishedRun())[1],
  generation: async () => {
    const id = await newGeneration();
    await test.store.generations.end(id, cancelled);
    return id;
  },
};

describe.each(removableKinds)('a %s', (kind) => {
  it('goes with its rows, once; a second time it is not found', async () => {
    const id = await one[kind]();
    const planned = await remove({ kind, id }, { isDryRun: true });
    expect(planned).toMatchObject({ kind, id, dependants: [], dependant_count: 0 });
    expect(await remove({ kind, id })).toEqual(planned);
    for (let times = 0; times < 2; times += 1) {
      await expect(remove({ kind, id })).rejects.toMatchObject({ code: `${kind}.not_found`, given: id });
    }
  });
});

describe('what is at work', () => {
  it('is not removed, nor is what it uses', async () => {
    const dataset = await test.newDataset();
    const { id } = await newSweep(dataset);
    const open = { code: 'removal.still_open', message: expect.stringContaining(id) };
    await expect(remove({ kind: 'sweep', id })).rejects.toMatchObject(open);
    await expect(remove({ kind: 'dataset', id: dataset }, { withDependants: true })).rejects.toMatchObject(
      open,
    );
    // Ended, with a trial whose workflow is still ending.
    const [trial] = await test.store.sweeps.trials(id);
    await test.store.runs.markStarted(trial?.run_id ?? '', 0);
    await endSweep(id);
    await expect(remove({ kind: 'sweep', id })).rejects.toMatchObject(open);
    await test.store.runs.end(trial?.run_id ?? '', cancelled);
    expect(await remove({ kind: 'sweep', id })).toMatchObject({ trials: 3 });

    for (const [kind, other] of [
      ['run', await test.newRun()],
      ['generation', await newGeneration()],
    ] as const) {
      const still = { code: 'removal.still_open' };
      await expect(remove({ kind, id: other })).rejects.toMatchObject(still);
    }
  });
});

describe('what others name', () => {
  it('goes only with them, and they are named first: a dataset with its runs and sweeps', async () => {
    const dataset = await test.newDataset();
    const { id: sweep } = await newSweep(dataset);
    await endSweep(sweep);
    const refusal = { code: 'removal.in_use', message: expect.stringContaining(sweep) };
    await expect(remove({ kind: 'dataset', id: dataset })).rejects.toMatchObject(refusal);
    const removal = await remove({ kind: 'dataset', id: dataset }, { withDependants: true });
    expect(removal).toMatchObject({
      trials: 3,
      dependant_count: 1,
      dependants: [{ kind: 'sweep', id: sweep }],
    });
    await expect(test.store.sweeps.get(sweep)).rejects.toMatchObject({ code: 'sweep.not_found' });
    const left = await test.query<{ count: string }>('select count(*) from runs where sweep_id = $1', [
      sweep,
    ]);
    expect(left).toEqual([{ count: '0' }]);
  });

  it('an embedding with the runs that begin from it, the sweeps and the generations that name it', async () => {
    const [maker, embedding] = await finishedRun();
    const [user] = await finishedRun({ initializer_embedding: embedding });
    const pair = { placeholder: 'sapsan', initializer: 'train', initializer_embedding: embedding };
    const { id: sweep } = await test.newSweep({ parameters: { pair: { values: [pair] } } });
    const generation = await newGeneration([embedding]);
    await endSweep(sweep);
    await test.store.generations.end(generation, cancelled);
    const subject = { kind: 'embedding', id: embedding } as const;
    await expect(remove(subject)).rejects.toMatchObject({ code: 'removal.in_use' });
    const { dependants } = await remove(subject, { withDependants: true });
    expect(dependants.map(({ id }) => id).sort()).toEqual([user, sweep, generation].sort());
    // The run that has made it stays, and has none any more.
    expect(await test.store.runs.get(maker)).toMatchObject({ phase: 'finished', embedding_id: null });
  });

  it('is counted where it is too much to name', async () => {
    const dataset = await test.newDataset();
    for (let index = 0; index < 25; index += 1) await endSweep((await newSweep(dataset)).id);
    const subject = { kind: 'dataset', id: dataset } as const;
    await expect(remove(subject)).rejects.toMatchObject({ message: expect.stringContaining('20 more') });
    const removal = await remove(subject, { withDependants: true, isDryRun: true });
    expect(removal.dependants).toHaveLength(20);
    expect(removal).toMatchObject({ dependant_count: 25, trials: 75 });
  });

  it('a trial goes with its sweep only', async () => {
    const { id: sweep } = await newSweep(await test.newDataset());
    await endSweep(sweep);
    const [trial] = await test.store.sweeps.trials(sweep);
    await expect(remove({ kind: 'run', id: trial?.run_id ?? '' })).rejects.toMatchObject({
      code: 'removal.in_use',
      message: expect.stringContaining(`murnau sweep rm ${sweep}`),
    });
  });
});

describe('what is left', () => {
  it('is the embedding of a run, and nothing that only the run needed', async () => {
    const [run, embedding] = await finishedRun();
    const sample = await test.blob(`sample of ${run}`);
    await remove({ kind: 'run', id: run });
    expect(await test.store.embeddings.get(embedding)).toMatchObject({ run_id: null });
    await test.store.blobs.collectGarbage(0);
    expect(await test.store.blobs.has([sample])).toEqual(new Set());
    for (const table of ['metrics', 'checkpoints', 'samples', 'events']) {
      expect(await test.query(`select from ${table} where run_id = $1`, [run])).toEqual([]);
    }
  });

  it('is no memory of the request: the same one makes a new one', async () => {
    const images = [{ hash: await test.blob('picture'), name: '1.png', width: 64, height: 64 }];
    const create = () =>
      test.store.datasets.create({ name: 'again', owner: 'ann', images }, { idempotencyKey: 'again' });
    const { id } = await create();
    expect((await create()).id).toBe(id);
    await remove({ kind: 'dataset', id });
    expect((await create()).id).not.toBe(id);
  });
});

it('a run of a dataset that is just being removed is refused as one of none', async () => {
  for (let round = 0; round < 10; round += 1) {
    const dataset_id = await test.newDataset();
    const { spec } = await test.store.runs.get(await test.newRun());
    const [made, removed] = await Promise.allSettled([
      test.store.runs.create({ owner: 'ann', dataset_id, spec }),
      remove({ kind: 'dataset', id: dataset_id }),
    ]);
    const codes = [made, removed].flatMap((one) =>
      one.status === 'rejected' ? [(one.reason as { code: string }).code] : [],
    );
    expect([['dataset.not_found'], ['removal.in_use']]).toContainEqual(codes);
  }
});
