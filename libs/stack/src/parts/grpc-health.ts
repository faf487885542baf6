import { createHash } from 'node:crypto';

/**
 * The name by which a Python part of this data folder says that it serves. Two stacks that start at once may claim the
 * same port: the one that got it answers, and it must not be taken for the other's.
 */
export const healthNameOf = (home: string, part: string): string =>
  `${createHash('sha256').update(home).digest('hex').slice(0, 16)}/${part}`;

/** HealthCheckRequest{service = 1}, and the one answer that counts: HealthCheckResponse{status = SERVING}. */
const request = (service: string): Buffer => {
  const name = Buffer.from(service);
  return name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
};
const isServing = (response: Buffer): boolean =>
  response.length >= 2 && response[0] === 0x08 && response[1] === 1;

/** Asks grpc.health.v1.Health/Check. False on any error: a server that cannot be asked is not serving. */
export async function isGrpcServing(address: string, service: string, timeoutMs = 1_000): Promise<boolean> {
  const { Client, credentials } = await import('@grpc/grpc-js');
  const client = new Client(address, credentials.createInsecure(), {
    // Connections are refused until the server is up: do not wait longer and longer between tries.
    'grpc.max_reconnect_backoff_ms': 100,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.use_local_subchannel_pool': 1,
  });
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (value: Buffer) => value,
      (value: Buffer) => value,
      request(service),
      { deadline: Date.now() + timeoutMs },
      (error, response) => {
        client.close();
        resolve(!error && response !== undefined && isServing(response));
      },
    );
  });
}
