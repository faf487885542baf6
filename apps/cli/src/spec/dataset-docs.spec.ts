import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createDatasetSchema, errorRegistry, hyperparametersSchema, templateLanguages } from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import { badPictureRules } from './picture-folder.js';
import { mostPictures } from './pictures.js';

const docs = await readFile(fileURLToPath(new URL('../../../../docs/datasets.md', import.meta.url)), 'utf8');

describe('docs/datasets.md', () => {
  it('has every value of what a run does with its pictures', () => {
    for (const name of ['resize', 'loss_mask', 'templates'] as const) {
      expect(docs).toContain(`\`${name}`);
      for (const value of hyperparametersSchema.shape[name].unwrap().options) {
        expect(docs, `${name} ${value}`).toMatch(new RegExp(`\`${value}\``));
      }
    }
    expect(docs).toContain(templateLanguages.join(','));
    for (const rule of badPictureRules) expect(docs).toContain(rule);
  });

  it('has the refusals of pictures, masks and captions', () => {
    const codes = Object.keys(errorRegistry).filter((code) => /^(image|mask|caption)\./.test(code));
    // Of inpainting only.
    for (const code of codes.filter((each) => each !== 'mask.empty')) expect(docs).toContain(`\`${code}\``);
  });

  it('has the most pictures that are taken, here and by the server', () => {
    expect(docs).toContain(`more than ${mostPictures}`);
    const images = Array.from({ length: mostPictures }, (_, index) => ({ hash: 'a', name: String(index) }));
    expect(createDatasetSchema.safeParse({ name: 'a', images }).success).toBe(true);
    expect(createDatasetSchema.safeParse({ name: 'a', images: [...images, ...images] }).success).toBe(false);
  });
});
