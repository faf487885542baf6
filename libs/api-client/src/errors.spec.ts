import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MurnauError } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from './client.js';
import { networkError, problemError } from './errors.js';

let folder: string;
const servers: Server[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'murnau-tls-'));
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...files, ...names], { stdio: 'ignore' });
});
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const failureOf = async (server: string, timeoutMs?: number): Promise<MurnauError> => {
  const options = timeoutMs === undefined ? { server } : { server, timeoutMs };
  const error: unknown = await new ApiClient(options).info().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(MurnauError);
  return error as MurnauError;
};

describe('a server that cannot be reached', () => {
  const cases: readonly [string, () => Promise<string>, RegExp][] = [
    [
      'where nothing listens',
      async () => {
        const server = createServer();
        const port = await listening(server);
        await new Promise((resolve) => server.close(resolve));
        return `http://127.0.0.1:${port}`;
      },
      /nothing listens there/,
    ],
    ['whose name is unknown', () => Promise.resolve('http://no-such-host.invalid'), /the name/],
    [
      'that cuts the connection',
      async () => `http://127.0.0.1:${await listening(createServer((socket) => socket.destroy()))}`,
      /the connection was cut/,
    ],
    [
      'that speaks something else',
      async () =>
        `http://127.0.0.1:${await listening(createServer((socket) => socket.end('SSH-2.0-x\r\n')))}`,
      /does not speak HTTP/,
    ],
    [
      'that does not answer',
      async () => `http://127.0.0.1:${await listening(createServer(() => undefined))}`,
      /no answer within 0\.3 s/,
    ],
    [
      'whose certificate nobody has signed',
      async () => {
        const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(folder, name)));
        return `https://127.0.0.1:${await listening(createHttps({ key, cert }))}`;
      },
      /signed by nobody whom this machine trusts; set NODE_EXTRA_CA_CERTS/,
    ],
    [
      'that speaks http where https is asked for',
      async () => `https://127.0.0.1:${await listening(createHttp())}`,
      /does not speak https there/,
    ],
    ['at a port that no browser opens', () => Promise.resolve('http://127.0.0.1:10080'), /refuse to open/],
  ];

  it.each(cases)('%s', async (_, start, says) => {
    const error = await failureOf(await start(), 300);
    expect(error.code).toBe('server.unreachable');
    expect(error.message).toMatch(says);
    expect(error.message).not.toContain('fetch failed');
  });
});

/** Of libuv and getaddrinfo, of Node's HTTP client and parser, and of X.509: what fetch may fail with. */
const codes = [
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN'],
  ...['ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EACCES', 'EPERM', 'EPROTO'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NONAME', 'EAI_NODATA'],
  ...['UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'],
  ...['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'],
  ...['HPE_INVALID_CONSTANT', 'HPE_INVALID_STATUS', 'HPE_CLOSED_CONNECTION', 'HPE_HEADER_OVERFLOW'],
  ...['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'ERR_SSL_UNSUPPORTED_PROTOCOL'],
  ...['ERR_TLS_CERT_ALTNAME_INVALID', 'ERR_TLS_HANDSHAKE_TIMEOUT'],
  ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'CERT_UNTRUSTED', 'CERT_HAS_EXPIRED'],
  ...['CERT_NOT_YET_VALID', 'CERT_REVOKED', 'CERT_REJECTED', 'CERT_SIGNATURE_FAILURE', 'CERT_CHAIN_TOO_LONG'],
  ...['INVALID_CA', 'INVALID_PURPOSE', 'PATH_LENGTH_EXCEEDED', 'HOSTNAME_MISMATCH'],
];

describe('what fetch failed with', () => {
  it.each(codes)('%s has a sentence, however deep it lies', (code) => {
    const cause = Object.assign(new Error('raw words'), { code });
    for (const error of [
      new TypeError('fetch failed', { cause }),
      new TypeError('fetch failed', { cause: new AggregateError([new Error('other'), cause]) }),
    ]) {
      const { message } = networkError('https://host', error);
      expect(message).toMatch(/^the server at https:\/\/host cannot be reached: \S/);
      expect(message).not.toMatch(/raw words|fetch failed/);
    }
  });

  it('is told in its own words where it is not known, and never by its outermost alone', () => {
    const error = new TypeError('fetch failed', { cause: new Error('the moon is in the way') });
    expect(networkError('http://host', error).message).toContain('the moon is in the way');
    const looped = new Error('round and round');
    looped.cause = looped;
    expect(networkError('http://host', looped).message).toContain('round and round');
    expect(networkError('http://host', 'gone').message).toContain('gone');
  });
});

it.each([
  [401, 'auth.missing'],
  [403, 'auth.origin'],
  [404, 'route.not_found'],
  [413, 'request.too_large'],
  [418, 'request.invalid'],
  [500, 'internal'],
  [502, 'server.unreachable'],
  [504, 'server.unreachable'],
])("a proxy's own page is taken by its status %i", async (status, code) => {
  const error = await problemError(new Response('<html>no</html>', { status }), 'GET /v1/runs');
  expect(error).toMatchObject({ code, message: expect.stringContaining(`answered ${status}: <html>`) });
});
