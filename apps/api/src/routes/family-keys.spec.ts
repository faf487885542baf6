import type { Family, Worker } from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import { checkKeys, givenKeys } from './family-keys.js';

const family = (parameters: Family['parameters']): Family => ({
  ...{ title: '', towers: [], parts: [], tasks: [], objectives: [], samplers: [], options: {} },
  ...{ parameters, embedding_formats: [] },
});
const table = {
  lichen: family({ spores: { type: 'integer', description: 'spores' } }),
  fern: family({}),
};
const models = ['lichen', 'fern', 'newer'].map((name) => ({ name: `small-${name}`, family: name }));
const store = { workers: { list: () => Promise.resolve([{ models } as unknown as Worker]) } };
const refused = (model: string, values: Record<string, unknown>) =>
  checkKeys(
    { store },
    model,
    givenKeys(values, (key) => `spec.${key}`),
    table,
  ).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a key at creation', () => {
  it('of another family is refused, naming the families that have it', async () => {
    expect(await refused('small-fern', { batch_size: 2, spores: 3 })).toMatchObject({
      code: 'spec.invalid',
      message: 'spec.spores: spores means nothing for a model of fern: only lichen has it',
      field: 'spec.spores',
      allowed: 'models of lichen',
    });
  });

  it.each([
    ['of its own family', 'small-lichen', { spores: 3 }],
    ['that is not given', 'small-fern', { spores: undefined }],
    ['of a family that only its worker knows', 'small-newer', { spores: 3 }],
    ['of a model that no worker serves', 'small-moss', { spores: 3 }],
  ])('%s is taken', async (_, model, values) => expect(await refused(model, values)).toBeUndefined());
});
