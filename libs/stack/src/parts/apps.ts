import type { Connection } from '@temporalio/client';
import type { Part, PartPlan } from '@murnau/supervisor';
import type { StackPaths } from '../paths.js';
import { checkout } from '../checkout.js';
import { defaultPorts, type Program, type Settings } from '../settings.js';
import { advisorAddress } from './advisor.js';
import type { PostgresPart } from './embedded-postgres.js';
import { temporalAddress, temporalUiUrl } from './embedded-temporal.js';
import { workerAddress } from './gpu-worker.js';
import { healthNameOf } from './health-name.js';
import type { PortBook } from './port-book.js';
import { connectTemporal, isPolling, temporalNamespace } from './temporal-api.js';

/** What the three Node programs of the stack share. */
export interface AppContext {
  paths: StackPaths;
  settings: Settings;
  ports: PortBook;
  postgres: PostgresPart;
  token: string;
}

export const apiUrl = (ports: PortBook): string => `http://127.0.0.1:${ports.get('api')}`;

function appPlan(context: AppContext, program: Program, env: Record<string, string>): PartPlan {
  const { paths, ports, postgres } = context;
  return {
    command: program.command,
    args: program.args,
    cwd: checkout,
    env: {
      DATABASE_URL: postgres.databaseUrl(),
      BLOB_DIR: paths.blobs,
      TEMPORAL_ADDRESS: temporalAddress(ports),
      TEMPORAL_NAMESPACE: temporalNamespace,
      TEMPORAL_UI_URL: temporalUiUrl(ports),
      GALLERY_URL: apiUrl(ports),
      LOG_LEVEL: 'info',
      ...env,
    },
    inheritsEnv: true,
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
  };
}

/** One connection to the server for all questions, made anew when the server was. */
function pollerCheck(context: AppContext) {
  let connection: Promise<Connection> | undefined;
  return async (
    questions: { queue: string; kind: 'workflow' | 'activity'; pid: number }[],
  ): Promise<boolean> => {
    connection ??= connectTemporal(temporalAddress(context.ports));
    try {
      const open = await connection;
      const answers = await Promise.all(questions.map((question) => isPolling(open, question)));
      if (answers.every(Boolean)) {
        connection = undefined;
        await open.close();
        return true;
      }
      return false;
    } catch {
      connection = undefined;
      return false;
    }
  };
}

export function orchestratorPart(context: AppContext): Part {
  const isPollingAll = pollerCheck(context);
  return {
    name: 'orchestrator',
    needs: ['postgres', 'temporal'],
    plan: () =>
      Promise.resolve(
        appPlan(context, context.settings.programs.orchestrator, {
          ADVISOR_ADDRESS: advisorAddress(context.ports),
        }),
      ),
    isReady: (pid) => isPollingAll([{ queue: 'orchestrator', kind: 'workflow', pid }]),
  };
}

export function dispatcherPart(context: AppContext, index: number): Part {
  const isPollingAll = pollerCheck(context);
  return {
    name: `dispatcher-${index}`,
    needs: ['postgres', 'temporal'],
    plan: () =>
      Promise.resolve(
        appPlan(context, context.settings.programs.dispatcher, {
          WORKER_ADDRESS: workerAddress(context.ports, index),
          WORKER_NAME: `worker-${index}`,
        }),
      ),
    isReady: (pid) =>
      isPollingAll(
        context.settings.models.map(({ name }) => ({
          queue: `train/${name}`,
          kind: 'activity' as const,
          pid,
        })),
      ),
  };
}

export function apiPart(context: AppContext): Part {
  const { paths, ports, settings, token } = context;
  const healthName = healthNameOf(paths.home, 'api');
  return {
    name: 'api',
    needs: ['postgres', 'temporal'],
    async plan({ keepsPort }) {
      const port = await ports.claim('api', {
        asked: settings.ports.api,
        preferred: defaultPorts.api,
        isWeb: true,
        isOwn: keepsPort,
      });
      const env = {
        API_HOST: '127.0.0.1',
        API_PORT: String(port),
        API_TOKEN: token,
        API_ALLOWED_HOSTS: settings.allowed_hosts.join(','),
        MURNAU_HEALTH_NAME: healthName,
        ADVISOR_ADDRESS: advisorAddress(ports),
      };
      return { ...appPlan(context, settings.programs.api, env), port };
    },
    async isReady(_pid, signal) {
      const response = await fetch(`${apiUrl(ports)}/v1/health`, { signal });
      const { installation } = (await response.json()) as { installation?: unknown };
      return installation === healthName;
    },
  };
}
