/** How the Temporal UI's pages read: numbers and Markdown for people who look from across the room. */

/** Whole numbers as they are, others with the digits that tell trials apart. */
export const shortNumber = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));

/** A metric for a list, whose columns are narrow. */
export const roundedMetric = (value: number | undefined): number | null =>
  value === undefined ? null : Number(value.toPrecision(4));

export const parameterText = (name: string, value: string | number | boolean): string =>
  `${name} ${typeof value === 'number' ? shortNumber(value) : value}`;

/** Lists: the UI draws a table's cells without any space between them. */
export const factLine = (name: string, value: string | number): string => `- ${name}: **${value}**`;

export interface Words {
  readonly placeholder: string;
  readonly initializer: string;
}

const shownInitializers = 4;

/** `lumicar from “car”, “purple”`, for each word that is learnt. */
export function pairsText(pairs: readonly Words[]): string {
  const byWord = new Map<string, string[]>();
  for (const { placeholder, initializer } of pairs) {
    byWord.set(placeholder, [...(byWord.get(placeholder) ?? []), `“${initializer}”`]);
  }
  return [...byWord]
    .map(([word, from]) => {
      const more = from.length - shownInitializers;
      const rest = more > 0 ? ` and ${more} more` : '';
      return `${word} from ${from.slice(0, shownInitializers).join(', ')}${rest}`;
    })
    .join(' · ');
}
