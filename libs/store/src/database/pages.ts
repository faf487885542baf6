import { MurnauError, type Page } from '@murnau/domain';

export interface PageQuery {
  /** `next_cursor` of the page before. */
  cursor?: string | undefined;
  /** Default 50. */
  limit?: number | undefined;
}

/** What a list is ordered by, of the last item of a page; the next page begins behind it. */
type Key = readonly (string | number)[];

/** @param list whose cursor it is: one of another list is refused */
export function writeCursor(list: string, key: Key): string {
  return Buffer.from(JSON.stringify([list, ...key])).toString('base64url');
}

/** @throws MurnauError `page.invalid_cursor` */
export function readCursor<Known extends Key>(
  list: string,
  cursor: string,
  isKey: (key: readonly unknown[]) => key is Known,
): Known {
  const [name, ...key] = partsOf(cursor);
  if (name === list && isKey(key)) return key;
  throw new MurnauError('page.invalid_cursor', 'The cursor is not one of a page before.', {
    field: 'cursor',
    given: cursor,
  });
}

function partsOf(cursor: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

/** Of a column of type int. */
export const isInt = (part: unknown): part is number =>
  Number.isInteger(part) && Math.abs(part as number) < 2 ** 31;

const newestFirst = 'newest';
const isRowNumber = (key: readonly unknown[]): key is [number] =>
  key.length === 1 && Number.isSafeInteger(key[0]);

/** Newest first: everything on the next page has a lower row number than the last of this one. */
export function readPageQuery({ cursor, limit = 50 }: PageQuery): { before: number; limit: number } {
  if (cursor === undefined) return { before: Number.MAX_SAFE_INTEGER, limit };
  const [before] = readCursor(newestFirst, cursor, isRowNumber);
  return { before, limit };
}

/** `rows` holds one more than the page when there is a next one. */
export function cutPageAt<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  cursorOf: (row: Row) => string,
): Page<Item> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { items: page.map(toItem), next_cursor: hasMore ? cursorOf(last) : null };
}

/** The same, newest first. */
export const cutPage = <Row extends { seq: number }, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
): Page<Item> => cutPageAt(rows, limit, toItem, ({ seq }) => writeCursor(newestFirst, [seq]));
