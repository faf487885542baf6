/** How the Temporal UI's pages read: numbers and Markdown for people who look from across the room. */

/** What Markdown reads as more than itself; an underscore only at the edge of a word. */
const markup = /[\\`*[\]<>&~|!#]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** What people gave, such as a name: in Markdown it shows as itself, on one line. */
export const plain = (text: string): string => text.replace(/\s+/gu, ' ').replace(markup, '\\$&');

const letters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

const bytesOf = (character: string): number => {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
};
/** In UTF-8. */
export const byteLength = (text: string): number =>
  [...text].reduce((sum, character) => sum + bytesOf(character), 0);

/** Whole letters, with their accents, of at most `most` bytes in UTF-8; `end` stands where some were left out. */
export function cutToBytes(text: string, most: number, end = ''): string {
  if (byteLength(text) <= most) return text;
  let left = most - byteLength(end);
  let length = 0;
  for (const character of text) {
    left -= bytesOf(character);
    if (left < 0) break;
    length += character.length;
  }
  // Where the letter begins of which some would be left out.
  return text.slice(0, letters.segment(text).containing(length)?.index) + end;
}

/** Whole numbers as they are, others with the digits that tell trials apart. */
export const shortNumber = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));

/** A metric for a list, whose columns are narrow. */
export const roundedMetric = (value: number | undefined): number | null =>
  value === undefined ? null : Number(value.toPrecision(4));

export const parameterText = (name: string, value: string | number | boolean): string =>
  `${name} ${typeof value === 'number' ? shortNumber(value) : plain(String(value))}`;

/** Lists: the UI draws a table's cells without any space between them. */
export const factLine = (name: string, value: string | number): string =>
  `- ${name}: **${plain(String(value))}**`;

export interface Words {
  readonly placeholder: string;
  readonly initializer: string;
}

const shownInitializers = 4;

/** `lumicar from “car”, “purple”`, for each word that is learnt. */
export function pairsText(pairs: readonly Words[]): string {
  const byWord = new Map<string, string[]>();
  for (const { placeholder, initializer } of pairs) {
    byWord.set(placeholder, [...(byWord.get(placeholder) ?? []), `“${plain(initializer)}”`]);
  }
  return [...byWord]
    .map(([word, from]) => {
      const more = from.length - shownInitializers;
      const rest = more > 0 ? ` and ${more} more` : '';
      return `${plain(word)} from ${from.slice(0, shownInitializers).join(', ')}${rest}`;
    })
    .join(' · ');
}
