import { defineConfig } from 'vitest/config';

/** Of unit tests, for every package whose tests want nothing else. The limit is for a machine that is busy. */
export default defineConfig({ test: { include: ['src/**/*.spec.ts'], testTimeout: 30_000 } });
