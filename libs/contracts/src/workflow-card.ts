import { byteLength, cutToBytes } from './board-text.js';
import type { SearchAttributeName } from './temporal.js';

/** How a workflow shows in the Temporal UI from its first moment on. */
export interface WorkflowCard {
  /** One line. */
  readonly summary: string;
  /** Markdown. */
  readonly details: string;
  readonly attributes: Readonly<Partial<Record<SearchAttributeName, string | number>>>;
}

/**
 * Bytes of JSON that Temporal takes by default are 400 and 20,000, its own wrapping included; it refuses to start what has
 * more.
 */
const mostSummaryBytes = 340;
const mostDetailsBytes = 18_000;
/** In JSON a quote or a backslash takes two. */
const jsonBytes = (text: string): number => byteLength(JSON.stringify(text));

function cutToJson(text: string, most: number): string {
  let bytes = most;
  let cut = cutToBytes(text, bytes, '…');
  while (jsonBytes(cut) > most) {
    bytes = Math.min(bytes - 1, Math.floor((bytes * most) / jsonBytes(cut)));
    cut = cutToBytes(text, bytes, '…');
  }
  // Nor in the middle of what is escaped.
  return cut.replace(/(?<!\\)((?:\\\\)*)\\…$/, '$1…');
}

/** Cuts what Temporal would not take: the line that shows a workflow never keeps it from starting. */
export const workflowCard = ({ summary, details, attributes }: WorkflowCard): WorkflowCard => ({
  summary: cutToJson(summary, mostSummaryBytes),
  details: cutToJson(details, mostDetailsBytes),
  attributes,
});
