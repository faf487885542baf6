import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{bootstrap,chaos,fuzz,lint,locks,test}/**/*.spec.mjs'],
    testTimeout: 60_000,
  },
});
