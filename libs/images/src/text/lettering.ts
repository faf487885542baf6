import { readFileSync } from 'node:fs';

export type Weight = 400 | 600;

/** [advance, outline] in thousandths of an em; y grows downwards from the baseline. */
type Glyph = readonly [advance: number, outline: string];
type Alphabet = Readonly<Record<string, Glyph | undefined>>;

const alphabets = JSON.parse(
  readFileSync(new URL('../../assets/inter-glyphs.json', import.meta.url), 'utf8'),
) as Record<Weight, Alphabet>;

/** What the typeface lacks and readers would miss. */
const SUBSTITUTES: Readonly<Record<string, string>> = {
  '→': '->',
  '←': '<-',
  '≤': '<=',
  '≥': '>=',
  '≈': '~',
  '∞': 'inf',
  '\t': ' ',
  '\n': ' ',
};

export interface Lettering {
  /** Pixels. */
  size: number;
  weight: Weight;
  color: string;
}

function glyphsOf(text: string, weight: Weight): Glyph[] {
  const readable = [...text.normalize('NFC')]
    .map((character) => SUBSTITUTES[character] ?? character)
    .join('');
  const alphabet = alphabets[weight];
  return [...readable].map((character) => alphabet[character] ?? alphabet['?'] ?? [0, '']);
}

/** Pixels. */
export function measure(text: string, { size, weight }: Pick<Lettering, 'size' | 'weight'>): number {
  return (glyphsOf(text, weight).reduce((sum, [advance]) => sum + advance, 0) * size) / 1000;
}

/** SVG of a line that begins at x on the baseline y. Outlines, not text: the machine may have no font. */
export function drawLine(text: string, x: number, y: number, lettering: Lettering): string {
  let advance = 0;
  const outlines = glyphsOf(text, lettering.weight).map(([width, outline]) => {
    const placed = outline === '' ? '' : `<path transform="translate(${advance})" d="${outline}"/>`;
    advance += width;
    return placed;
  });
  const scale = lettering.size / 1000;
  return `<g transform="translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${scale})" fill="${lettering.color}">${outlines.join('')}</g>`;
}

/** The text, or as much of it as fits with an ellipsis. */
export function shorten(text: string, width: number, lettering: Pick<Lettering, 'size' | 'weight'>): string {
  if (measure(text, lettering) <= width) return text;
  const characters = [...text];
  while (characters.length > 0 && measure(`${characters.join('')}…`, lettering) > width) characters.pop();
  return `${characters.join('').trimEnd()}…`;
}

/** Lines broken at spaces; a word longer than a line is shortened. */
export function wrap(text: string, width: number, lettering: Pick<Lettering, 'size' | 'weight'>): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const joined = last === undefined ? word : `${last} ${word}`;
    if (last !== undefined && measure(joined, lettering) <= width) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines.map((line) => shorten(line, width, lettering));
}
