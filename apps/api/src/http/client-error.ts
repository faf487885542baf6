import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { MurnauError } from '@murnau/domain';
import { toProblem } from './problem.js';

/** What cannot be read as HTTP has no request that could be answered: status and reason by Node's code. */
const refusals: Readonly<Record<string, readonly [status: number, reason: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not come to its end in time.'],
  HPE_HEADER_OVERFLOW: [431, 'The headers are too large.'],
};

/** Answers as every other refusal is answered, and closes. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, reason] = refusals[error.code ?? ''] ?? [400, 'This is not readable as HTTP.'];
  const body = JSON.stringify({ ...toProblem(new MurnauError('request.invalid', reason), ''), status });
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\ncontent-type: application/problem+json; charset=utf-8\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroy(error);
}
