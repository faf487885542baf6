import type { Option } from 'commander';

const suggested = new WeakMap<Option, readonly string[]>();

/** Values that completion offers for an option; others may be given. */
export function suggestValues(option: Option, values: readonly string[]): Option {
  suggested.set(option, values);
  return option;
}

export const suggestionsFor = (option: Option): readonly string[] =>
  option.argChoices ?? suggested.get(option) ?? [];
