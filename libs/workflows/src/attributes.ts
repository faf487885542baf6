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

/** What a list shows of a workflow; only what has changed becomes an event of its history. */
export class ShownRow {
  private shown: Values = {};

  show(values: Values): void {
    const changed = Object.entries(values).filter(
      ([name, value]) => value !== null && value !== this.shown[name as SearchAttributeName],
    );
    if (changed.length > 0) showAttributes(Object.fromEntries(changed));
    this.shown = { ...this.shown, ...values };
  }
}
