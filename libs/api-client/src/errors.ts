import { isErrorCode, MurnauError, problemSchema } from '@murnau/domain';
import type { ErrorCode } from '@murnau/domain';
import { asAnswer } from './as-answer.js';

const untrusted =
  'its certificate is signed by nobody whom this machine trusts; set NODE_EXTRA_CA_CERTS to the PEM file of its authority';

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'it did not answer',
  UND_ERR_CONNECT_TIMEOUT: 'it did not answer',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak https there',
};

/** Codes of Node's network errors, in the order of fetch's nested causes. */
function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let inner: unknown = error; inner instanceof Error; inner = inner.cause) {
    const { code } = inner as NodeJS.ErrnoException;
    if (typeof code === 'string') codes.push(code);
    if (inner instanceof AggregateError) codes.push(...inner.errors.flatMap(codesOf));
  }
  return codes;
}

/** A failure before an answer came. */
export function networkError(server: string, cause: unknown, timedOutAfterMs?: number): MurnauError {
  const known = codesOf(cause).find((code) => code in reasons);
  const fallback = cause instanceof Error ? cause.message : String(cause);
  const reason =
    timedOutAfterMs === undefined
      ? known === undefined
        ? fallback
        : (reasons[known] ?? fallback)
      : `no answer within ${timedOutAfterMs / 1000} s`;
  return new MurnauError('server.unreachable', `the server at ${server} cannot be reached: ${reason}`, {
    cause,
  });
}

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'auth.missing',
  403: 'auth.origin',
  404: 'route.not_found',
  502: 'server.unreachable',
  503: 'server.unreachable',
  504: 'server.unreachable',
};

/** Turns an RFC 9457 problem into the error it stands for; other bodies by their status. */
export async function problemError(response: Response, call: string): Promise<MurnauError> {
  const text = await response.text().catch(() => '');
  try {
    const problem = asAnswer(problemSchema).parse(JSON.parse(text));
    if (isErrorCode(problem.code)) {
      return new MurnauError(problem.code, problem.detail, {
        field: problem.field,
        given: problem.given,
        allowed: problem.allowed,
      });
    }
    // A code of a newer server: its status says what kind it is.
    const code = codeOfStatus[response.status] ?? (response.status < 500 ? 'request.invalid' : 'internal');
    return new MurnauError(code, `${problem.detail} (${problem.code})`);
  } catch {
    const code = codeOfStatus[response.status] ?? 'internal';
    const start = text.replace(/\s+/g, ' ').slice(0, 200);
    return new MurnauError(
      code,
      `${call}: the server answered ${response.status}${start === '' ? '' : `: ${start}`}`,
    );
  }
}
