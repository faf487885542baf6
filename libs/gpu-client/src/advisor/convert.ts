import type {
  AdviceDomain,
  AdviceParameter,
  AdviceValue,
  AdviceValues,
  ForbiddenPoint,
  PastTrial,
} from '@murnau/domain';
import { MurnauError } from '@murnau/domain';
import * as proto from '../gen/murnau/advisor/v1/advisor.js';

const states = {
  running: proto.TrialState.TRIAL_STATE_RUNNING,
  finished: proto.TrialState.TRIAL_STATE_FINISHED,
  pruned: proto.TrialState.TRIAL_STATE_PRUNED,
  failed: proto.TrialState.TRIAL_STATE_FAILED,
} as const;

const jsonTexts = (values: readonly AdviceValue[]): string[] => values.map((value) => JSON.stringify(value));

function toProtoDomain(domain: AdviceDomain): NonNullable<proto.Parameter['domain']> {
  switch (domain.kind) {
    case 'float':
      return { $case: 'floatRange', value: { min: domain.min, max: domain.max, log: domain.log } };
    case 'int':
      return {
        $case: 'intRange',
        value: { min: BigInt(domain.min), max: BigInt(domain.max), log: domain.log },
      };
    case 'choice':
      return { $case: 'choice', value: { valuesJson: jsonTexts(domain.values) } };
  }
}

export const toProtoParameter = ({ name, domain, when }: AdviceParameter): proto.Parameter => ({
  name,
  domain: toProtoDomain(domain),
  when: when.map(({ parameter, values }) => ({ parameter, valuesJson: jsonTexts(values) })),
});

export const toProtoPastTrial = ({
  trial,
  values,
  state,
  value,
  intermediate,
}: PastTrial): proto.PastTrial => ({
  trial,
  parametersJson: JSON.stringify(values),
  state: states[state],
  value: value ?? undefined,
  intermediate: [...intermediate],
});

export const toProtoForbidden = ({ trial, values }: ForbiddenPoint): proto.ForbiddenPoint => ({
  trial,
  parametersJson: JSON.stringify(values),
});

export function toAdviceValues(text: string): AdviceValues {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as AdviceValues;
  throw new MurnauError(
    'internal',
    `The advisor answered with what are no parameters: ${text.slice(0, 200)}`,
  );
}
