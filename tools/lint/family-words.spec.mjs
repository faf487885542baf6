import { expect, test } from 'vitest';
import { exceptions, familyPatterns, familyWords } from './family-words.mjs';

const property = { type: 'integer', description: 'steps' };
const family = (changes) => ({ towers: [], parts: [], parameters: {}, options: {}, ...changes });
const patterns = familyPatterns({
  'lichen-3.2': family({
    towers: [
      { name: 'q1', title: 'Bark-R' },
      { name: 'both', title: 'CLIP' },
    ],
    parts: [{ name: 'spore_maker' }, { name: 'unet' }, { name: 'shared' }],
    parameters: { moss_steps: property, pooling: property, common_steps: property },
    options: { dew_scale: property },
  }),
  fern: family({
    towers: [{ name: 'both', title: 'CLIP' }],
    parts: [{ name: 'shared' }],
    parameters: { common_steps: property },
  }),
});
const words = (text, file = 'libs/a/src/x.ts') => familyWords(file, text, patterns).map(({ word }) => word);

test.each([
  ['a family', "family: 'lichen-3.2'", 'lichen-3.2'],
  ['its title', 'Teaches Lichen 3.2.', 'lichen-3.2'],
  ['its name without punctuation', 'import lichen32', 'lichen-3.2'],
  ['its name in a folder', 'lichen-3-2-prior', 'lichen-3.2'],
  ['its version', 'the files of 3.2', 'lichen-3.2'],
  ['a tower', 'rows["q1"]', 'q1'],
  ['a tower at the end of a key', 'learning_rate_q1', 'q1'],
  ['a tower in camel case', 'learningRateQ1: 1', 'q1'],
  ["a tower's title", 'the Bark-R rows', 'Bark-R'],
  ["a tower's title in one word", 'barkr tokenizer', 'Bark-R'],
  ['a part', 'parts.spore_maker', 'spore_maker'],
  ['a parameter', 'spec.moss_steps', 'moss_steps'],
  ['a parameter in camel case', 'mossSteps', 'moss_steps'],
  ['an option as a flag', '--dew-scale', 'dew_scale'],
])('finds %s', (_name, text, word) => expect(words(text)).toEqual([word]));

test.each([
  ['what two families have', 'common_steps, shared, both'],
  ['an architecture', 'CLIP and a UNet'],
  ['what every embedding has', 'pooling'],
  ['another version', 'zod 3.2.1, 13.2, 3.21'],
  ['letters within a word', 'seq1 q12 xq1y'],
])('leaves %s alone', (_name, text) => expect(words(text)).toEqual([]));

test('a bare 2.0 may be any number', () => {
  const even = familyPatterns({ 'fern-2.0': family({}) });
  const found = (text) => familyWords('a.ts', text, even).map(({ word }) => word);
  expect(found('clamp=2.0, 2.0 * x')).toEqual([]);
  expect(found('fern 2.0')).toEqual(['fern-2.0']);
});

test('reads the path of a file, and says in which line a word is', () => {
  expect(familyWords('libs/a/src/moss-steps.ts', 'a\nq1\n', patterns)).toEqual([
    { line: 0, word: 'moss_steps' },
    { line: 2, word: 'q1' },
  ]);
});

test('a network of several families may be named where networks are', () => {
  const [{ word, files }] = exceptions;
  const prior = familyPatterns({ fern: family({ parts: [{ name: word }] }) });
  const network = 'python-worker/src/murnau_worker/models/prior_network.py';
  expect(network).toMatch(files);
  expect(familyWords(network, 'class Prior', prior)).toEqual([]);
  expect(familyWords('python-worker/src/murnau_worker/core/x.py', 'a prior', prior)).toHaveLength(1);
});
