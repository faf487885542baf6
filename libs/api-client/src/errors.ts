import { isErrorCode, MurnauError, problemSchema } from '@murnau/domain';
import type { ErrorCode } from '@murnau/domain';
import { asAnswer } from './as-answer.js';

const untrusted =
  'its certificate is signed by nobody whom this machine trusts; set NODE_EXTRA_CA_CERTS to the PEM file of its authority';
const notNow = 'its certificate is not valid now: look at its dates and at the clock of this machine';
const unusable = 'its certificate cannot be used';
const cut = 'the connection was cut';
const silent = 'it did not answer';
const blocked = 'this machine does not let the connection out (a firewall, or a sandbox)';
const notHttp = 'what answers there does not speak HTTP';

/** Of Node, of its HTTP client and of OpenSSL, in words; whole families by their beginning. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: cut,
  ECONNABORTED: cut,
  EPIPE: cut,
  UND_ERR_SOCKET: cut,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: cut,
  ENOTFOUND: 'the name is not known',
  EAI_NONAME: 'the name is not known',
  EAI_NODATA: 'the name has no address',
  EAI_AGAIN: 'the name could not be looked up',
  EAI_FAIL: 'the name could not be looked up',
  EHOSTUNREACH: 'the host cannot be reached',
  EHOSTDOWN: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENETDOWN: 'the network cannot be reached',
  EADDRNOTAVAIL: 'this machine has no address to reach it from',
  EACCES: blocked,
  EPERM: blocked,
  ETIMEDOUT: silent,
  UND_ERR_CONNECT_TIMEOUT: silent,
  UND_ERR_HEADERS_TIMEOUT: silent,
  UND_ERR_BODY_TIMEOUT: silent,
  UND_ERR_HEADERS_OVERFLOW: notHttp,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_UNTRUSTED: untrusted,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: notNow,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  HOSTNAME_MISMATCH: 'its certificate is for another name',
  CERT_REVOKED: 'its certificate was revoked',
  CERT_REJECTED: unusable,
  CERT_SIGNATURE_FAILURE: unusable,
  CERT_CHAIN_TOO_LONG: unusable,
  INVALID_CA: unusable,
  INVALID_PURPOSE: unusable,
  PATH_LENGTH_EXCEEDED: unusable,
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak https there',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak https there',
  EPROTO: 'it does not speak https there',
  'bad port': 'that is a port which browsers and fetch refuse to open',
  HPE_: notHttp,
  ERR_SSL_: 'no encryption that both sides know could be agreed on',
  ERR_TLS_: 'no encryption that both sides know could be agreed on',
};

/** Fetch has no code for it. */
const badPort = 'bad port';

function reasonOf({ code, message }: NodeJS.ErrnoException): string | undefined {
  // That of an abort is a number.
  const known = message === badPort ? badPort : String(code);
  const families = Object.entries(reasons).filter(([start]) => start.endsWith('_'));
  return reasons[known] ?? families.find(([start]) => known.startsWith(start))?.[1];
}

/** From the outermost error to what lies behind it. */
function chainOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let inner = error; inner instanceof Error && !chain.includes(inner); inner = inner.cause) {
    chain.push(inner);
    if (inner instanceof AggregateError) chain.push(...inner.errors.flatMap(chainOf));
  }
  return chain;
}

/** A failure before an answer came. `fetch` itself says only that it failed: why stands in its causes. */
export function networkError(server: string, cause: unknown, timedOutAfterMs?: number): MurnauError {
  const chain = chainOf(cause);
  const known = chain.map(reasonOf).find((reason) => reason !== undefined);
  const innermost = chain.findLast(({ message }) => message !== '')?.message ?? String(cause);
  const reason =
    timedOutAfterMs === undefined ? (known ?? innermost) : `no answer within ${timedOutAfterMs / 1000} s`;
  return new MurnauError('server.unreachable', `the server at ${server} cannot be reached: ${reason}`, {
    cause,
  });
}

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'auth.missing',
  403: 'auth.origin',
  404: 'route.not_found',
  413: 'request.too_large',
  502: 'server.unreachable',
  503: 'server.unreachable',
  504: 'server.unreachable',
};

const statusCode = ({ status }: Response): ErrorCode =>
  codeOfStatus[status] ?? (status >= 400 && status < 500 ? 'request.invalid' : 'internal');

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
    return new MurnauError(statusCode(response), `${problem.detail} (${problem.code})`);
  } catch {
    const start = text.replace(/\s+/g, ' ').slice(0, 200);
    return new MurnauError(
      statusCode(response),
      `${call}: the server answered ${response.status}${start === '' ? '' : `: ${start}`}`,
    );
  }
}
