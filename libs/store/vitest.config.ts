import { defineConfig } from 'vitest/config';
import { testEnv } from '../../vitest.unit.config.js';

export default defineConfig({
  test: {
    include: ['src/**/*.spec.ts'],
    globalSetup: 'src/test-global-setup.ts',
    env: testEnv,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
