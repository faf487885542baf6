import { issueText } from './issue-text.js';
import { nearest } from './nearest.js';
import type { HyperparameterName, Parameter, Scalar } from './sweep-parameters.js';
import { hyperparametersSchema } from './training-spec.js';

/** What a schema of single keys cannot see: values against their hyper-parameter, conditions against each other. */

export interface Problem {
  /** From the parameters on: `['schedule', 'values', 0]`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type Parameters = Readonly<Partial<Record<HyperparameterName, Parameter>>>;
type Entry = readonly [HyperparameterName, Parameter];

export const entriesOf = (parameters: Parameters): Entry[] =>
  (Object.entries(parameters) as [HyperparameterName, Parameter | undefined][]).flatMap(
    ([name, parameter]) => (parameter === undefined ? [] : [[name, parameter] as const]),
  );

/** Conditions of a parameter: the other's name and the values with which it takes part. */
export function conditionsOf({ when = {} }: Parameter): (readonly [string, readonly Scalar[]])[] {
  return Object.entries(when).map(([name, values]) => [name, Array.isArray(values) ? values : [values]]);
}

/** The values that a parameter may have; undefined for a range. */
export function choicesOf(parameter: Parameter): readonly Scalar[] | undefined {
  if ('value' in parameter) return [parameter.value];
  return 'values' in parameter ? parameter.values : undefined;
}

/** Why the hyper-parameter cannot be this; undefined where it can. */
function refusalOf(name: HyperparameterName, value: Scalar): string | undefined {
  const result = hyperparametersSchema.shape[name].safeParse(value);
  const [issue] = result.success ? [] : result.error.issues;
  return issue === undefined ? undefined : issueText(issue, value);
}

function firstRefusal(name: HyperparameterName, values: readonly Scalar[], key: string): Problem[] {
  for (const [index, value] of values.entries()) {
    const path = key === 'value' ? [name, key] : [name, key, index];
    const message = refusalOf(name, value);
    if (message !== undefined) return [{ path, message }];
    if (values.indexOf(value) < index) return [{ path, message: 'is given twice' }];
  }
  return [];
}

/** A point inside a range that no list of whole numbers holds. */
const between = (min: number, max: number): number => min + (max - min) * 0.381966;

function rangeProblems(name: HyperparameterName, range: Extract<Parameter, { min: number }>): Problem[] {
  const { distribution, min, max } = range;
  const schema = hyperparametersSchema.shape[name];
  const isNumber = schema.safeParse(min).success || schema.safeParse(max).success;
  const isText = !isNumber && refusalOf(name, min)?.startsWith('must be one of') === true;
  if (isText) {
    return [
      {
        path: [name, 'distribution'],
        message: `${name} is no number: ${refusalOf(name, min)}, as {values: […]}`,
      },
    ];
  }
  for (const [key, bound] of [
    ['min', min],
    ['max', max],
  ] as const) {
    const message = refusalOf(name, bound);
    if (message !== undefined) return [{ path: [name, key], message }];
  }
  if (distribution.endsWith('int_uniform') || refusalOf(name, between(min, max)) === undefined) return [];
  const whole = distribution === 'uniform' ? 'int_uniform' : 'log_int_uniform';
  return [{ path: [name, 'distribution'], message: `${name} takes whole numbers only: use "${whole}"` }];
}

function valueProblems([name, parameter]: Entry): Problem[] {
  if ('distribution' in parameter) return rangeProblems(name, parameter);
  if ('value' in parameter) return firstRefusal(name, [parameter.value], 'value');
  return firstRefusal(name, parameter.values, 'values');
}

function conditionProblems([name, parameter]: Entry, parameters: Parameters): Problem[] {
  if (parameter.when !== undefined && Object.keys(parameter.when).length === 0) {
    return [
      { path: [name, 'when'], message: 'must name another parameter and its value: {schedule: cosine}' },
    ];
  }
  for (const [other, values] of conditionsOf(parameter)) {
    const problem = conditionProblem(name, other, values, parameters);
    if (problem !== undefined) return [{ path: [name, 'when', other], message: problem }];
  }
  return [];
}

function conditionProblem(
  name: string,
  other: string,
  values: readonly Scalar[],
  parameters: Parameters,
): string | undefined {
  if (other === name) return 'a parameter cannot depend on itself';
  const others = entriesOf(parameters).map(([known]) => known);
  const found = parameters[other as HyperparameterName];
  if (found === undefined || !Object.hasOwn(parameters, other)) {
    const near = nearest(other, others);
    return `is not among the parameters${near === undefined ? '' : `; did you mean "${near}"?`}`;
  }
  const choices = choicesOf(found);
  if (choices === undefined) return 'is a range: only a parameter with values can decide about another';
  for (const value of values) {
    // A fixed parameter may have been fixed by hand: what depends on its other values then takes no part.
    const message = 'value' in found ? refusalOf(other as HyperparameterName, value) : undefined;
    if (message !== undefined) return message;
    if (!('value' in found) && !choices.includes(value)) {
      return `${JSON.stringify(value)} is none of its values: ${choices.map((choice) => JSON.stringify(choice)).join(', ')}`;
    }
  }
  return undefined;
}

/** Parameters, each after those that its conditions name; the order given where conditions leave it open. */
export function inOrderOfConditions(entries: readonly Entry[]): { ordered: Entry[]; circle: Entry[] } {
  const ordered: Entry[] = [];
  const waiting = [...entries];
  const isPlaced = (name: string): boolean => ordered.some(([placed]) => placed === name);
  for (;;) {
    const next = waiting.findIndex(([, parameter]) =>
      conditionsOf(parameter).every(([other]) => isPlaced(other)),
    );
    const [entry] = next < 0 ? [] : waiting.splice(next, 1);
    if (entry === undefined) return { ordered, circle: waiting };
    ordered.push(entry);
  }
}

export function parameterProblems(parameters: Parameters): Problem[] {
  const entries = entriesOf(parameters);
  const problems = entries.flatMap((entry) => [
    ...valueProblems(entry),
    ...conditionProblems(entry, parameters),
  ]);
  const [first, ...rest] = problems.length > 0 ? [] : inOrderOfConditions(entries).circle;
  if (first === undefined) return problems;
  const names = [first, ...rest].map(([name]) => name).join(', ');
  return [{ path: [first[0], 'when'], message: `conditions run in a circle: ${names}` }];
}

export interface PairOfWords {
  readonly placeholder: string;
  readonly initializer: string;
  readonly dataset?: string | undefined;
}

/** Paths start at the list of pairs. */
export function pairProblems(pairs: readonly PairOfWords[]): Problem[] {
  for (const [index, pair] of pairs.entries()) {
    const earlier = pairs.slice(0, index).filter(({ placeholder }) => placeholder === pair.placeholder);
    const other = earlier.find(
      ({ dataset }) => dataset !== undefined && pair.dataset !== undefined && dataset !== pair.dataset,
    );
    if (other !== undefined) {
      const message = `"${pair.placeholder}" has the dataset "${other.dataset}" in another pair: give each thing a word of its own`;
      return [{ path: [index, 'dataset'], message }];
    }
    if (earlier.some(({ initializer }) => initializer === pair.initializer)) {
      const message = `the pair "${pair.placeholder}" from "${pair.initializer}" is given twice`;
      return [{ path: [index], message }];
    }
  }
  return [];
}
