/** Characters that no text of ours may have: control characters but newline and tab, and halves of a pair. */
const oddCharacter = /[\p{Cc}\p{Cs}]/gu;
const isOdd = (character: string): boolean => character !== '\n' && character !== '\t';

export interface OddText {
  readonly path: readonly PropertyKey[];
  /** What is wrong, as a sentence about the text at `path`. */
  readonly problem: string;
  readonly given: string;
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A text as it can be shown and stored. */
export const withOddEscaped = (text: string): string =>
  text.replace(oddCharacter, (character) => (isOdd(character) ? escaped(character) : character));

function problemOf(text: string): string | undefined {
  const odd = text.match(oddCharacter)?.find(isOdd);
  if (odd === undefined) return undefined;
  const kind = /\p{Cs}/u.test(odd) ? 'half of a surrogate pair' : 'a control character';
  return `must not have ${escaped(odd)} in it (${kind}; newline and tab are allowed)`;
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);

/** The first text of a value, keys included, that has a character which no text may have. */
export function findOddText(value: unknown, path: readonly PropertyKey[] = []): OddText | undefined {
  if (typeof value === 'string') {
    const problem = problemOf(value);
    return problem === undefined ? undefined : { path, problem, given: withOddEscaped(value) };
  }
  if (!isPlainObject(value)) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const problem = problemOf(key);
    if (problem !== undefined) return { path, problem: `the key ${problem}`, given: withOddEscaped(key) };
    const found = findOddText(inner, [...path, Array.isArray(value) ? Number(key) : key]);
    if (found !== undefined) return found;
  }
  return undefined;
}
