export { limitSchema, logLevelSchema, readEnv } from './read-env.js';
export { isRefusedByBrowsers, webPortAllowed, webPortSchema } from './web-ports.js';
