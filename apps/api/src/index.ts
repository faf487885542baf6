export { createServer } from './server.js';
export type { ServerDeps, ServerIdentity } from './server-deps.js';
