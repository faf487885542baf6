import type { TestProject } from 'vitest/node';
import { startPrivateTestPostgres } from './postgres/test-postgres.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the server that all spec files share, each with databases of its own. */
    serverUrl: string;
  }
}

export default async function startServer(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPrivateTestPostgres();
  project.provide('serverUrl', server.databaseUrl);
  return () => server.stop();
}
