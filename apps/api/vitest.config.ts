import { defineConfig } from 'vitest/config';
import { testEnv } from '../../vitest.unit.config.js';

// The limits are for a machine that is busy with other things; the whole takes about 15 s of its own.
export default defineConfig({
  test: { include: ['src/**/*.spec.ts'], testTimeout: 60_000, hookTimeout: 90_000, env: testEnv },
});
