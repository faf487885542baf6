export { logLevelSchema, portSchema, readEnv } from './read-env.js';
export type { Environment } from './read-env.js';
export { isRefusedByBrowsers, webPortAllowed, webPortSchema } from './web-ports.js';
