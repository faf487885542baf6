export { ApiClient } from './client.js';
export type { LiveMessage } from './follow.js';
