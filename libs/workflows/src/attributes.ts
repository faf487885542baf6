import { attributePairs } from '@murnau/contracts';
import type { AttributeValues, SearchAttributeName } from '@murnau/contracts';
import { upsertSearchAttributes } from '@temporalio/workflow';

export function showAttributes(values: AttributeValues): void {
  upsertSearchAttributes(attributePairs(values));
}

/** What a list shows of a workflow; only what has changed becomes an event of its history. */
export class ShownRow {
  private shown: AttributeValues = {};

  show(values: AttributeValues): void {
    const changed = Object.entries(values).filter(
      ([name, value]) => value !== null && value !== this.shown[name as SearchAttributeName],
    );
    if (changed.length > 0) showAttributes(Object.fromEntries(changed));
    this.shown = { ...this.shown, ...values };
  }
}
