import type { SearchAttributeName } from './temporal.js';

/** How a workflow shows in the Temporal UI from its first moment on. */
export interface WorkflowCard {
  /** One line. */
  readonly summary: string;
  /** Markdown. */
  readonly details: string;
  readonly attributes: Readonly<Partial<Record<SearchAttributeName, string | number>>>;
}
