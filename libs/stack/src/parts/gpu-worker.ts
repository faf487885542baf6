import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Part, writeText } from '@murnau/supervisor';
import { checkout } from '../checkout.js';
import { pythonEnv } from '../env.js';
import type { StackPaths } from '../paths.js';
import { defaultPorts, type Settings } from '../settings.js';
import { isGrpcServing } from './grpc-health.js';
import { healthNameOf } from './health-name.js';
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

/**
 * Shipped models by name, registered ones by a file in the form of `models.yaml` with those that are served. The file
 * is named by its content: another content is another command line, by which the supervisor sees a change.
 */
async function modelArguments({ models }: Settings, { workerModels }: StackPaths): Promise<string[]> {
  const shipped = models.filter(({ holding }) => holding === undefined);
  const named = shipped.flatMap(({ name, dir }) => ['--model', `${name}=${dir}`]);
  const registered = models.flatMap(({ name, dir, holding }) =>
    holding === undefined ? [] : [[name, { path: dir, ...holding }] as const],
  );
  if (registered.length === 0) return named;
  const text = stringify({ models: Object.fromEntries(registered) });
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const file = join(workerModels, `${hash}.yaml`);
  await writeText(file, text);
  return [...named, '--registry', file];
}

const simulation = ({ simulate, simulate_step_ms: stepMs }: Settings): string[] => [
  ...(simulate ? ['--simulate'] : []),
  ...(simulate && stepMs !== null ? ['--simulate-step-ms', String(stepMs)] : []),
];

export function workerPart(settings: Settings, paths: StackPaths, ports: PortBook, index: number): Part {
  const { command, args } = settings.programs.worker;
  const name = `worker-${index}`;
  const healthName = healthNameOf(paths.home, name);
  const isServing = (): Promise<boolean> => isGrpcServing(workerAddress(ports, index), healthName);
  return {
    name,
    needs: [],
    async plan({ keepsPort }) {
      const port = await claimWorkerPort(settings, ports, { index, isOwn: keepsPort });
      return {
        command,
        args: [
          ...args,
          ...['serve', '--listen', `127.0.0.1:${port}`, ...(await modelArguments(settings, paths))],
          ...['--threads', String(settings.threads)],
          ...(settings.slots === null ? [] : ['--slots', String(settings.slots)]),
          ...simulation(settings),
        ],
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
