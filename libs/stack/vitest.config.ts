import { defineConfig } from 'vitest/config';
import { testEnv } from '../../vitest.unit.config.js';

// Real servers start and die in these tests: one file at a time leaves them the machine.
export default defineConfig({
  test: {
    include: ['src/**/*.spec.ts'],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    env: testEnv,
  },
});
