import { stripVTControlCharacters } from 'node:util';

/** Columns that a text takes: colours take none. Names here are ASCII or narrow letters. */
export function visibleWidth(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

const escapeOrCharacter = /\u001b\[[0-9;]*m|[^]/gu;

/** Cuts at `columns` visible characters, keeps colour codes whole and closes them. */
export function truncate(text: string, columns: number): string {
  if (visibleWidth(text) <= columns) return text;
  let width = 0;
  let cut = '';
  let isColoured = false;
  for (const [piece] of text.matchAll(escapeOrCharacter)) {
    if (piece.startsWith('\u001b[')) {
      isColoured = true;
      cut += piece;
    } else if (width < columns - 1) {
      cut += piece;
      width += 1;
    } else {
      break;
    }
  }
  return `${cut}…${isColoured ? '\u001b[0m' : ''}`;
}

export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - visibleWidth(text)));
  return align === 'left' ? text + space : space + text;
}
