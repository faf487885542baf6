import { checkout, defaultPorts, type Settings } from '../settings.js';
import { isGrpcServing } from './grpc-health.js';
import type { Part } from './part.js';
import type { PortBook } from './port-book.js';

export const workerAddress = (ports: PortBook, index: number): string =>
  `127.0.0.1:${ports.get(`worker-${index}`)}`;

export const claimWorkerPort = (
  settings: Settings,
  ports: PortBook,
  { index, isOwn }: { index: number; isOwn: boolean },
): Promise<number> =>
  ports.claim(`worker-${index}`, {
    asked: settings.ports.worker === null ? null : settings.ports.worker + index,
    preferred: defaultPorts.worker + index,
    isOwn,
  });

export function workerPart(settings: Settings, ports: PortBook, index: number): Part {
  const { command, args } = settings.programs.worker;
  const models = settings.models.flatMap(({ name, dir }) => ['--model', `${name}=${dir}`]);
  return {
    name: `worker-${index}`,
    needs: [],
    async plan({ keepsPort }) {
      const port = await claimWorkerPort(settings, ports, { index, isOwn: keepsPort });
      return {
        command,
        args: [
          ...args,
          ...['serve', '--listen', `127.0.0.1:${port}`, ...models, '--threads', String(settings.threads)],
          ...(settings.simulate ? ['--simulate'] : []),
        ],
        cwd: checkout,
        env: { PYTHONUNBUFFERED: '1' },
        inheritsEnv: true,
        stopSignal: 'SIGTERM',
        stopGraceMs: 10_000,
        port,
      };
    },
    isReady: () => isGrpcServing(workerAddress(ports, index), ''),
  };
}
