import type { ChannelOptions } from '@grpc/grpc-js';

/** For every peer: found missing within seconds, and taken up again as soon as it is back. */
export const channelOptions: ChannelOptions = {
  // A peer that is stopped or cut off is found in 4 s. The streams carry data each second, so no server minds the pings.
  'grpc.keepalive_time_ms': 2_000,
  'grpc.keepalive_timeout_ms': 2_000,
  // Also how long one attempt to connect may take: less is too short for a machine that is short of cores.
  'grpc.initial_reconnect_backoff_ms': 500,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // A picture of 4096 × 4096 pixels of noise has 48 MiB.
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc.max_send_message_length': 64 * 1024 * 1024,
};
