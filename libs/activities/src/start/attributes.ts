import { searchAttributes } from '@murnau/domain';
import type { SearchAttributeName } from '@murnau/domain';
import type { SearchAttributePair } from '@temporalio/common';

/** Names and values → what the SDK takes. */
export function toAttributePairs(
  values: Readonly<Partial<Record<SearchAttributeName, string | number>>>,
): SearchAttributePair[] {
  return Object.entries(values).map(
    ([name, value]) =>
      ({ key: { name, type: searchAttributes[name as SearchAttributeName] }, value }) as SearchAttributePair,
  );
}
