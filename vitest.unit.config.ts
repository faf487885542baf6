import { loopbackExceptions } from '@murnau/environment';
import { defineConfig } from 'vitest/config';

/** Tests reach servers of their own over loopback, whatever proxy a person has set. */
export const testEnv = loopbackExceptions(process.env);

/** Of unit tests, for every package whose tests want nothing else. The limit is for a machine that is busy. */
export default defineConfig({ test: { include: ['src/**/*.spec.ts'], testTimeout: 30_000, env: testEnv } });
