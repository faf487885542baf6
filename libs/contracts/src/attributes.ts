import type { SearchAttributePair } from '@temporalio/common';
import { cutToBytes } from './board-text.js';
import { searchAttributes } from './temporal.js';
import type { SearchAttributeName } from './temporal.js';

export type AttributeValues = Readonly<Partial<Record<SearchAttributeName, string | number | null>>>;

/** What Temporal's database keeps of a keyword, and what it takes of a key of fairness. */
const mostKeywordBytes = 255;
const mostFairnessKeyBytes = 64;

/** Owners take turns. Who has a very long name may share them with one that begins likewise. */
export const fairnessKeyOf = (owner: string): string => cutToBytes(owner, mostFairnessKeyBytes);

/** Names and values → what the SDK takes; null leaves an attribute as it is. */
export function attributePairs(values: AttributeValues): SearchAttributePair[] {
  return Object.entries(values)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(
      ([name, value]) =>
        ({
          key: { name, type: searchAttributes[name as SearchAttributeName] },
          value: typeof value === 'string' ? cutToBytes(value, mostKeywordBytes) : value,
        }) as SearchAttributePair,
    );
}
