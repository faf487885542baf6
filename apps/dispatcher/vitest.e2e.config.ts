import { defineConfig } from 'vitest/config';
import { testEnv } from '../../vitest.unit.config.js';

export default defineConfig({
  test: {
    include: ['e2e/**/*.e2e.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    env: testEnv,
  },
});
