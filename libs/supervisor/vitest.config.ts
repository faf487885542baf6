import { defineConfig } from 'vitest/config';
import { testEnv } from '../../vitest.unit.config.js';

// Tests of what processes do within milliseconds: one file at a time leaves them the machine.
export default defineConfig({
  test: { include: ['src/**/*.spec.ts'], fileParallelism: false, testTimeout: 30_000, env: testEnv },
});
