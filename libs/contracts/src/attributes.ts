import type { SearchAttributePair } from '@temporalio/common';
import { searchAttributes } from './temporal.js';
import type { SearchAttributeName } from './temporal.js';

export type AttributeValues = Readonly<Partial<Record<SearchAttributeName, string | number | null>>>;

/** Names and values → what the SDK takes; null leaves an attribute as it is. */
export function attributePairs(values: AttributeValues): SearchAttributePair[] {
  return Object.entries(values)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(
      ([name, value]) =>
        ({
          key: { name, type: searchAttributes[name as SearchAttributeName] },
          value,
        }) as SearchAttributePair,
    );
}
