import type { Starters } from '@murnau/orchestration';
import type { Store } from '@murnau/store';
import type { ImportanceAdvisor } from './advice/sweep-importance.js';
import type { Limits } from './http/limits.js';

/** What the server is, as its clients are told. */
export interface ServerIdentity {
  version: string;
  /** Who the token of this install belongs to. */
  owner: string;
  host: string;
  token: string | undefined;
  galleryUrl: string;
  /** Names that requests may come by, beside that of `galleryUrl` and loopback's. */
  allowedHosts: readonly string[];
  /** By which the installation that this process belongs to knows it; undefined: it belongs to none. */
  healthName: string | undefined;
  temporalAddress: string;
  temporalUiUrl: string;
  namespace: string;
}

interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Everything the routes and pages need of the world. */
export interface ServerDeps {
  identity: ServerIdentity;
  store: Store;
  starters: Starters;
  advisor: ImportanceAdvisor;
  /** Resolves when Temporal answers. */
  pingTemporal(): Promise<void>;
  /** Folder of resized pictures, which may be deleted at any time. */
  renditionDir: string;
  limits: Limits;
  log: Log;
}
