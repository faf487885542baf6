import { searchAttributes } from '@murnau/domain';
import type { SearchAttributeName } from '@murnau/domain';
import { upsertSearchAttributes } from '@temporalio/workflow';

type Values = Readonly<Partial<Record<SearchAttributeName, string | number | null>>>;
type Updates = Exclude<Parameters<typeof upsertSearchAttributes>[0], Record<string, unknown>>;

/** Names and values → what the SDK takes; null leaves an attribute as it is. */
export function attributePairs(values: Values): Updates {
  return Object.entries(values)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => ({
      key: { name, type: searchAttributes[name as SearchAttributeName] },
      value,
    })) as unknown as Updates;
}

export function showAttributes(values: Values): void {
  upsertSearchAttributes(attributePairs(values));
}
