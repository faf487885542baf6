import { MurnauError } from '@murnau/domain';
import type { Logger } from '@murnau/logging';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime } from '@temporalio/worker';

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Sends what the SDK says to our log. Once per process, before anything else of the SDK. */
export function installRuntime(log: Logger): void {
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => log[levels[level]]({ ...meta }, message)),
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} },
    },
  });
}

const retryMs = 200;
const patienceMs = 120_000;

/** A worker whose server does not answer at its start ends at once: so wait for the server first. */
export async function connectPatiently(address: string): Promise<NativeConnection> {
  const givesUpAtMs = Date.now() + patienceMs;
  for (;;) {
    try {
      return await NativeConnection.connect({ address });
    } catch (error) {
      if (Date.now() > givesUpAtMs) {
        const message = `Temporal at ${address} did not answer for ${patienceMs / 1_000} s.`;
        throw new MurnauError('temporal.unavailable', message, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}
