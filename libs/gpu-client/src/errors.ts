import { MurnauError } from '@murnau/domain';
import type { ErrorCode } from '@murnau/domain';
import type { Metadata } from 'nice-grpc-common';
import { ClientError, Status } from 'nice-grpc-common';
import { toProblem } from './convert/error-detail.js';
import { ErrorDetail } from './gen/murnau/worker/v1/worker.js';
import type { Peer } from './peer.js';

/** Trailing metadata with a serialised ErrorDetail. */
const detailKey = 'murnau-error-bin';

/**
 * What an error without a detail means: the peer died, or something between here and there did. `UNKNOWN` is what a
 * server makes of an exception that its handler did not expect, which may come each time.
 */
function codeOf(status: Status, streaming: boolean, peer: Peer): ErrorCode {
  switch (status) {
    case Status.INVALID_ARGUMENT:
      return 'spec.invalid';
    case Status.UNAVAILABLE:
      return streaming ? peer.lost : peer.unavailable;
    case Status.CANCELLED:
    case Status.ABORTED:
    case Status.INTERNAL:
      return peer.lost;
    case Status.DEADLINE_EXCEEDED:
      return peer.unavailable;
    default:
      return 'internal';
  }
}

function detailOf(trailer: Metadata | undefined): ErrorDetail | undefined {
  const bytes = trailer?.get(detailKey);
  if (!(bytes instanceof Uint8Array)) return undefined;
  try {
    return ErrorDetail.decode(bytes);
  } catch {
    return undefined;
  }
}

/** gRPC status → domain error; the cause is kept. Cancellation by the caller passes unchanged. */
export function toCallError(
  error: unknown,
  trailer: Metadata | undefined,
  streaming: boolean,
  peer: Peer,
): unknown {
  if (error instanceof MurnauError || !(error instanceof ClientError)) return error;
  const detail = detailOf(trailer);
  if (detail === undefined) {
    const message = `The ${peer.name}'s call failed: ${error.message}`;
    return new MurnauError(codeOf(error.code, streaming, peer), message, { cause: error });
  }
  const { code, message, ...rest } = toProblem(detail);
  return new MurnauError(code, message, { ...rest, cause: error });
}
