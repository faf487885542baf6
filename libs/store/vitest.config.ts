import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.spec.ts'],
    globalSetup: 'src/test-global-setup.ts',
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
