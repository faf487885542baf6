import { malformedKeys } from './keys.js';
import type { Malformed } from './malformed.js';
import { malformedNumbers } from './numbers.js';
import { malformedRanges } from './ranges.js';
import { malformedValues } from './values.js';
import { malformedYaml } from './yaml.js';

export { wellFormed } from './malformed.js';

/** Sweep files that are wrong, each in one way. */
export const malformed: readonly Malformed[] = [
  ...malformedYaml,
  ...malformedKeys,
  ...malformedNumbers,
  ...malformedValues,
  ...malformedRanges,
];
