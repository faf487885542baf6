import type { ErrorCode } from '@murnau/domain';

/** Who is called: how messages name it, and what it means when it does not answer or ends on the way. */
export interface Peer {
  readonly name: string;
  readonly unavailable: ErrorCode;
  readonly lost: ErrorCode;
}

export const workerPeer: Peer = { name: 'worker', unavailable: 'worker.unavailable', lost: 'worker.lost' };
/** It keeps nothing: an answer that was lost is asked for again. */
export const advisorPeer: Peer = {
  name: 'advisor',
  unavailable: 'advisor.unavailable',
  lost: 'advisor.unavailable',
};
