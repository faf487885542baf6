import type { Part } from '@murnau/supervisor';
import { checkout } from '../checkout.js';
import { pythonEnv } from '../env.js';
import type { StackPaths } from '../paths.js';
import { defaultPorts, type Settings } from '../settings.js';
import { isGrpcServing } from './grpc-health.js';
import { healthNameOf } from './health-name.js';
import type { PortBook } from './port-book.js';

export const advisorAddress = (ports: PortBook): string => `127.0.0.1:${ports.get('advisor')}`;

export const claimAdvisorPort = (settings: Settings, ports: PortBook, isOwn: boolean): Promise<number> =>
  ports.claim('advisor', { asked: settings.ports.advisor, preferred: defaultPorts.advisor, isOwn });

/** Nothing needs it to start: sweeps that ask it wait while it is away. */
export function advisorPart(settings: Settings, { home }: StackPaths, ports: PortBook): Part {
  const { command, args } = settings.programs.advisor;
  const healthName = healthNameOf(home, 'advisor');
  const isServing = (): Promise<boolean> => isGrpcServing(advisorAddress(ports), healthName);
  return {
    name: 'advisor',
    needs: [],
    async plan({ keepsPort }) {
      const port = await claimAdvisorPort(settings, ports, keepsPort);
      return {
        command,
        args: [...args, 'advise', '--listen', `127.0.0.1:${port}`],
        cwd: checkout,
        env: { ...pythonEnv, MURNAU_HEALTH_NAME: healthName },
        inheritsEnv: true,
        stopSignal: 'SIGTERM',
        stopGraceMs: 10_000,
        port,
      };
    },
    isReady: isServing,
    isAnswering: isServing,
  };
}
