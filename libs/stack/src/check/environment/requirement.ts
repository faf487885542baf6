import { MurnauError, type ErrorCode, type ErrorDetails } from '@murnau/domain';
import type { Check } from '../check.js';

/** Something of this machine or this shell that the stack needs: said by `murnau doctor`, and insisted on by `up`. */
export interface Requirement extends Check {
  /** Absent: the stack starts all the same. */
  refusal?: MurnauError;
}

export const met = (part: string, detail: string): Requirement => ({ part, ok: true, detail });

export interface Lack extends ErrorDetails {
  code: ErrorCode;
  /** What was found, as the beginning of a sentence. */
  detail: string;
  /** What to do, as its end. */
  mend: string;
}

export function unmet(part: string, { code, detail, mend, ...details }: Lack): Requirement {
  const refusal = new MurnauError(code, `${detail}; ${mend}.`, details);
  return { part, ok: false, detail, mend, refusal };
}

/** Where another function of the stack has refused already. */
export function refusedWith(part: string, error: unknown): Requirement {
  if (!(error instanceof MurnauError)) throw error;
  return { part, ok: false, detail: error.message, mend: error.kind.nextStep, refusal: error };
}

/** @throws MurnauError of the first that is not met */
export function insistOn(requirements: readonly Requirement[]): void {
  for (const { refusal } of requirements) if (refusal !== undefined) throw refusal;
}
