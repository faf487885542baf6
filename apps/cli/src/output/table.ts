import type { Colours } from '../core/io.js';
import { pad, visibleWidth } from './text.js';

export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  readonly cell: (row: Row) => string;
}

/** Lines of a table: a dim header, columns as wide as their longest cell, two spaces between. */
export function tableLines<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  colours: Colours,
): string[] {
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((row) => visibleWidth(row[index] ?? ''))),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.align))
      .join('  ')
      .trimEnd();
  return [colours.dim(line(columns.map(({ title }) => title))), ...cells.map(line)];
}

/** Lines of `name  value` pairs, names aligned; absent values are left out. */
export function fieldLines(
  fields: readonly (readonly [string, string | undefined])[],
  colours: Colours,
): string[] {
  const present = fields.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(0, ...present.map(([name]) => name.length));
  return present.map(([name, value]) => `${colours.dim(pad(name, width))}  ${value ?? ''}`);
}
