export { ApiClient } from './client.js';
export type { SheetOf } from './blob-calls.js';
export type { ListEmbeddings, ListOptions, ListRuns, ListSweeps } from './list-options.js';
export type { FollowOptions, LiveMessage } from './follow.js';
export { allItems, collect } from './pages.js';
export { retryDelayMs } from './transport.js';
export type { TransportOptions } from './transport.js';
