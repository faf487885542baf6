import { attributePairs } from '@murnau/contracts';
import type { AttributeValues, SearchAttributeName } from '@murnau/contracts';
import { upsertSearchAttributes } from '@temporalio/workflow';

/** What Temporal's list shows of a workflow; only what has changed becomes an event of its history. */
export class ShownAttributes {
  /** @param shown what the list shows already */
  constructor(private shown: AttributeValues = {}) {}

  /** Null leaves an attribute as it is. */
  show(values: AttributeValues): void {
    const changed = Object.entries(values).filter(
      ([name, value]) => value !== null && value !== this.shown[name as SearchAttributeName],
    );
    if (changed.length > 0) upsertSearchAttributes(attributePairs(Object.fromEntries(changed)));
    this.shown = { ...this.shown, ...values };
  }
}
