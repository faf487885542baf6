export { logLevelSchema, portSchema, readEnv } from './read-env.js';
export type { Environment } from './read-env.js';
