import { MurnauError, type Page } from '@murnau/domain';

export interface PageQuery {
  /** `next_cursor` of the page before. */
  cursor?: string | undefined;
  /** Default 50. */
  limit?: number | undefined;
}

const PREFIX = 'p';

/** Newest first: everything on the next page has a lower row number than the last of this one. */
export function readPageQuery({ cursor, limit = 50 }: PageQuery): { before: number; limit: number } {
  if (cursor === undefined) return { before: Number.MAX_SAFE_INTEGER, limit };
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const before = Number(text.slice(PREFIX.length));
  if (!text.startsWith(PREFIX) || !Number.isSafeInteger(before)) {
    throw new MurnauError('page.invalid_cursor', 'The cursor is not one of a page before.', {
      field: 'cursor',
      given: cursor,
    });
  }
  return { before, limit };
}

/** `rows` holds one more than the page when there is a next one. */
export function cutPage<Row extends { seq: number }, Item>(
  rows: Row[],
  limit: number,
  toItem: (row: Row) => Item,
): Page<Item> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return {
    items: page.map(toItem),
    next_cursor: hasMore ? Buffer.from(`${PREFIX}${last.seq}`).toString('base64url') : null,
  };
}
