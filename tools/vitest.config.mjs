import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['bootstrap/**/*.spec.mjs', 'test/**/*.spec.mjs', 'chaos/**/*.spec.mjs'],
    testTimeout: 60_000,
  },
});
