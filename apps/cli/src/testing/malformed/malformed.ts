/** A sweep file that is wrong in one way, and what is said about it. */
export interface Malformed {
  readonly why: string;
  readonly text: string;
  /** LINE:COLUMN. */
  readonly place: string;
  /** Absent: the file is no YAML. */
  readonly field?: string;
  /** The message after file, line and column. */
  readonly says: string;
}

export const wellFormed = `name: pairs
dataset: ./octopus
parameters:
  pair:
    values:
      - { placeholder: oktavo, initializer: fish }
      - { placeholder: oktavo, initializer: cat }
  learning_rate_t1: { values: [0.05, 0.1] }
  max_steps: { value: 60 }
`;

export const rate = 'learning_rate_t1: { values: [0.05, 0.1] }';

export function edited(from: string, to: string): string {
  if (!wellFormed.includes(from)) throw new Error(`the file has no ${from}`);
  return wellFormed.replace(from, to);
}
export const added = (text: string): string => wellFormed + text;
