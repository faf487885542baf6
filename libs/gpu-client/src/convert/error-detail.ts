import { isErrorCode } from '@murnau/domain';
import type * as proto from '../gen/murnau/worker/v1/worker.js';
import type { TokenProblem } from '../types.js';

const present = (text: string): string | undefined => (text === '' ? undefined : text);

/** A code that this version does not know becomes `internal`; its name stays in the message. */
export function toProblem(detail: proto.ErrorDetail): TokenProblem {
  const { code, message } = detail;
  return {
    ...(isErrorCode(code) ? { code, message } : { code: 'internal', message: `${code}: ${message}` }),
    field: present(detail.field),
    given: present(detail.given),
    allowed: present(detail.allowed),
  };
}
