import type { Page } from '@murnau/domain';

/** Pages, fetched as they are needed, until they hold `limit` items. */
export async function* allPages<Answer extends Page<unknown>>(
  fetchPage: (cursor: string | undefined) => Promise<Answer>,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Answer> {
  let cursor: string | undefined;
  let count = 0;
  do {
    const page = await fetchPage(cursor);
    yield page;
    count += page.items.length;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && count < limit);
}

/** Their items, at most `limit`. */
export async function* allItems<Item>(
  pages: AsyncIterable<Page<Item>>,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Item> {
  let count = 0;
  for await (const { items } of pages) {
    for (const item of items) {
      if (count >= limit) return;
      yield item;
      count += 1;
    }
  }
}
