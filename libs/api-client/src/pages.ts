import type { Page } from '@murnau/domain';

/** Items of all pages, fetched as they are needed; at most `limit` of them. */
export async function* allItems<Item>(
  fetchPage: (cursor: string | undefined) => Promise<Page<Item>>,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Item> {
  let cursor: string | undefined;
  let count = 0;
  do {
    const page = await fetchPage(cursor);
    for (const item of page.items) {
      yield item;
      count += 1;
      if (count >= limit) return;
    }
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
