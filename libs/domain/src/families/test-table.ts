import type { FamilyTable } from './table.js';

/** Two made-up families for tests: one has what the other lacks. */
export const moss = {
  lichen: {
    title: 'Lichen',
    towers: [
      { name: 'a', title: 'A', role: 'first', reads_english_only: false },
      { name: 'b', title: 'B', role: 'second', reads_english_only: true },
    ],
    parts: [{ name: 'net', title: 'net', is_optional: false }],
    tasks: ['train', 'text2img'],
    objectives: [
      { name: 'whole', help: '' },
      { name: 'halves', help: 'a, then b' },
    ],
    parameters: {
      steps: { type: 'integer', minimum: 1, maximum: 10, default: 5, description: 'steps' },
      share: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1, default: 0.5, description: 'share' },
      reading: { type: 'string', enum: ['end', 'start'], default: 'end', description: 'where it reads' },
      drops: { type: 'boolean', default: false, description: 'drops' },
    },
    samplers: ['ddim_sampler', 'odd_sampler'],
    options: {
      spacing: { type: 'string', format: 'timestep-respacing', timesteps: 100, description: 'steps' },
      not: { type: 'string', format: 'prompt', minLength: 1, maxLength: 10, description: 'what not' },
      scale: { type: 'number', minimum: 1, maximum: 100, description: 'guidance' },
    },
    embedding_formats: [],
  },
  fern: {
    title: 'Fern',
    towers: [{ name: 'a', title: 'A', role: 'only', reads_english_only: false }],
    parts: [{ name: 'net', title: 'net', is_optional: false }],
    tasks: ['train', 'text2img'],
    objectives: [{ name: 'whole', help: '' }],
    parameters: {
      steps: { type: 'integer', minimum: 1, maximum: 10, default: 5, description: 'steps' },
    },
    samplers: ['ddim_sampler'],
    options: {
      spacing: { type: 'string', format: 'timestep-respacing', timesteps: 100, description: 'steps' },
    },
    embedding_formats: [],
  },
} as const satisfies FamilyTable;
