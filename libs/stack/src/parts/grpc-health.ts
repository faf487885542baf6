/** HealthCheckRequest{service = 1}, and the one answer that counts: HealthCheckResponse{status = SERVING}. */
const request = (text: string): Buffer => {
  const name = Buffer.from(text);
  return name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
};
const isServing = (response: Buffer): boolean =>
  response.length >= 2 && response[0] === 0x08 && response[1] === 1;

/** Asks grpc.health.v1.Health/Check. False on any error: a server that cannot be asked is not serving. */
export const isGrpcServing = async (address: string, service: string): Promise<boolean> => {
  const response = await ask(address, '/grpc.health.v1.Health/Check', service);
  return response !== undefined && isServing(response);
};

/** Whether a Temporal server has a namespace of this name: DescribeNamespaceRequest{namespace = 1}. */
export const hasNamespace = async (address: string, namespace: string): Promise<boolean> => {
  const method = '/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace';
  return (await ask(address, method, namespace)) !== undefined;
};

/** A question of one text. By hand: to load a client of each service takes a good part of a second. */
async function ask(
  address: string,
  method: string,
  text: string,
  timeoutMs = 1_000,
): Promise<Buffer | undefined> {
  const { Client, credentials } = await import('@grpc/grpc-js');
  const client = new Client(address, credentials.createInsecure(), {
    // Connections are refused until the server is up: do not wait longer and longer between tries.
    'grpc.max_reconnect_backoff_ms': 100,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.use_local_subchannel_pool': 1,
  });
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      method,
      (value: Buffer) => value,
      (value: Buffer) => value,
      request(text),
      { deadline: Date.now() + timeoutMs },
      (error, response) => {
        client.close();
        resolve(error ? undefined : response);
      },
    );
  });
}
