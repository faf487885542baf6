import type { AdviceCondition, AdviceDomain, AdviceParameter, AdviceValues, PairWords } from './advice.js';
import { MurnauError } from './errors.js';
import { planTrial, searchedEntries, takesPart } from './search-space.js';
import type { ParameterValue, PlannedTrial } from './search-space.js';
import { choicesOf, conditionsOf, inOrderOfConditions } from './sweep-checks.js';
import type { Pair, SweepFile } from './sweep-file.js';
import type { Parameter } from './sweep-parameters.js';

/** Between a sweep file and the advisor: what is searched, and the trial that its answer makes. */

const wordsOf = ({ placeholder, initializer }: Pair): PairWords => ({ placeholder, initializer });

function domainOf(parameter: Parameter): AdviceDomain {
  const values = choicesOf(parameter);
  if (values !== undefined) return { kind: 'choice', values };
  const { distribution, min, max } = parameter as Extract<Parameter, { min: number }>;
  const kind = distribution.endsWith('int_uniform') ? 'int' : 'float';
  return { kind, min, max, log: distribution.startsWith('log_') };
}

/**
 * A parameter's conditions as the advisor sees them; undefined where they can never hold. A condition on a fixed
 * parameter is decided here: what remains of it is the condition of that parameter itself.
 */
function advisedConditions(
  parameter: Parameter,
  fixed: ReadonlyMap<string, { value: ParameterValue; when: readonly AdviceCondition[] }>,
  searched: ReadonlySet<string>,
): AdviceCondition[] | undefined {
  const when: AdviceCondition[] = [];
  for (const [other, values] of conditionsOf(parameter)) {
    const known = fixed.get(other);
    if (known !== undefined && values.includes(known.value)) when.push(...known.when);
    else if (searched.has(other)) when.push({ parameter: other, values });
    else return undefined;
  }
  return when;
}

/** The search space of a file: the pair as one choice, and each hyper-parameter that is not fixed and may take part. */
export function adviceParameters(file: SweepFile): AdviceParameter[] {
  const pairs = file.parameters.pair.values.map(wordsOf);
  const parameters: AdviceParameter[] = [
    { name: 'pair', domain: { kind: 'choice', values: pairs }, when: [] },
  ];
  const fixed = new Map<string, { value: ParameterValue; when: readonly AdviceCondition[] }>();
  const searched = new Set<string>();
  for (const [name, parameter] of inOrderOfConditions(searchedEntries(file)).ordered) {
    const when = advisedConditions(parameter, fixed, searched);
    if (when === undefined) continue;
    if ('value' in parameter) {
      fixed.set(name, { value: parameter.value, when });
      continue;
    }
    searched.add(name);
    parameters.push({ name, domain: domainOf(parameter), when });
  }
  return parameters;
}

/** What the advisor suggested for a trial, as one that is ready to run. */
export function adviceTrial(file: SweepFile, trial: number, advised: AdviceValues): PlannedTrial {
  const words = advised['pair'] as PairWords | undefined;
  const pair = file.parameters.pair.values.find(
    ({ placeholder, initializer }) => placeholder === words?.placeholder && initializer === words.initializer,
  );
  if (pair === undefined) throw unknownAdvice(trial, 'pair', advised);
  const values: Record<string, ParameterValue> = {};
  for (const [name, parameter] of inOrderOfConditions(searchedEntries(file)).ordered) {
    if (!takesPart(parameter, values)) continue;
    const value = 'value' in parameter ? parameter.value : advised[name];
    if (value === undefined || typeof value === 'object') throw unknownAdvice(trial, name, advised);
    values[name] = value;
  }
  return planTrial(file, trial, pair, values);
}

function unknownAdvice(trial: number, name: string, advised: AdviceValues): MurnauError {
  return new MurnauError(
    'internal',
    `The advice for trial ${trial} has no ${name} of this sweep: ${JSON.stringify(advised)}`,
    { field: name },
  );
}

/** A stored trial's `parameters` as the advisor takes them. */
export function adviceValues(file: SweepFile, parameters: PlannedTrial['parameters']): AdviceValues {
  const { placeholder, initializer, ...others } = parameters;
  const searched = new Set(adviceParameters(file).map(({ name }) => name));
  const kept = Object.entries(others).filter(([name]) => searched.has(name));
  return {
    pair: { placeholder: String(placeholder), initializer: String(initializer) },
    ...Object.fromEntries(kept),
  };
}
