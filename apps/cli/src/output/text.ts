import { stripVTControlCharacters } from 'node:util';
import { eastAsianWidth } from 'get-east-asian-width';

/** Columns that a text takes: colours take none, wide letters two. */
export function visibleWidth(text: string): number {
  let width = 0;
  for (const letter of stripVTControlCharacters(text)) width += eastAsianWidth(letter.codePointAt(0) ?? 0);
  return width;
}

const escapeOrCharacter = /\u001b\[[0-9;]*m|[^]/gu;

/** Cuts at `columns` columns, keeps colour codes whole and closes them. */
export function truncate(text: string, columns: number): string {
  if (visibleWidth(text) <= columns) return text;
  let width = 0;
  let cut = '';
  let isColoured = false;
  for (const [piece] of text.matchAll(escapeOrCharacter)) {
    width += visibleWidth(piece);
    if (width >= columns) break;
    isColoured ||= piece.startsWith('\u001b[');
    cut += piece;
  }
  return `${cut}…${isColoured ? '\u001b[0m' : ''}`;
}

export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - visibleWidth(text)));
  return align === 'left' ? text + space : space + text;
}
