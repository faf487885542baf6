import type { ChannelOptions } from '@grpc/grpc-js';

/** A state (at most 96 MiB) with its embedding, or a picture of 4096 × 4096 pixels of noise (48 MiB), in bytes. */
const largestMessage = (96 + 16) * 1024 * 1024;

/** What a message may have in both directions: every peer's servers of ours take as much. */
export const messageLimits: ChannelOptions = {
  'grpc.max_receive_message_length': largestMessage,
  'grpc.max_send_message_length': largestMessage,
};

/** For every peer: found missing within seconds, and taken up again as soon as it is back. */
export const channelOptions: ChannelOptions = {
  // A peer that is stopped or cut off is found in 4 s. The streams carry data each second, so no server minds the pings.
  'grpc.keepalive_time_ms': 2_000,
  'grpc.keepalive_timeout_ms': 2_000,
  // Also how long one attempt to connect may take: less is too short for a machine that is short of cores.
  'grpc.initial_reconnect_backoff_ms': 500,
  'grpc.max_reconnect_backoff_ms': 1_000,
  ...messageLimits,
};
