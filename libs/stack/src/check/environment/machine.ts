import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { proxySettings } from '../../env.js';
import type { StackPaths } from '../../paths.js';
import { met, unmet, type Requirement } from './requirement.js';

/** The api and the orchestrator read some 350 files at once while they start; sweeps with many watchers need more. */
const fewestOpenFiles = 512;
const loopbackTimeoutMs = 2_000;

/** Node raises the soft limit to the hard one at its start, so this is what the parts get. */
export const openFilesLimit = (): Promise<number> =>
  new Promise((resolve) => {
    execFile('/bin/sh', ['-c', 'ulimit -n'], (error, stdout) => {
      const limit = Number(stdout.trim());
      resolve(error || Number.isNaN(limit) ? Infinity : limit);
    });
  });

export function checkOpenFiles(limit: number): Requirement {
  const part = 'open files';
  if (limit >= fewestOpenFiles)
    return met(part, limit === Infinity ? 'no limit' : `${limit} for each process`);
  return unmet(part, {
    code: 'setup.machine_unfit',
    detail: `A process may open ${limit} files here (ulimit -Hn), and the parts need ${fewestOpenFiles}`,
    mend: 'raise the limit in this shell, `ulimit -n 1024`, or where it was lowered: limits.conf, systemd or the container',
    field: 'ulimit -n',
    given: String(limit),
    allowed: `${fewestOpenFiles} or more`,
  });
}

/** A connection to this machine by its IPv4 loopback address, over which the parts talk to each other. */
async function reachLoopback(): Promise<void> {
  const server = createServer((socket) => socket.end());
  const signal = AbortSignal.timeout(loopbackTimeoutMs);
  try {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening', { signal });
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    try {
      await once(socket, 'connect', { signal });
    } finally {
      socket.destroy();
    }
  } finally {
    server.close();
  }
}

export async function checkLoopback(reach = reachLoopback): Promise<Requirement> {
  try {
    await reach();
    return met('loopback', '127.0.0.1 answers');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return unmet('loopback', {
      code: 'setup.machine_unfit',
      detail: `127.0.0.1 cannot be reached (${code ?? message}), and the parts talk to each other over it, Temporal's own services too`,
      mend: 'give this machine its IPv4 loopback: ip link set lo up; ip address add 127.0.0.1/8 dev lo',
      given: code ?? message,
      allowed: 'connections from 127.0.0.1 to itself',
    });
  }
}

export function checkProxy(settings = proxySettings()): Requirement {
  return met(
    'proxy',
    settings.length === 0
      ? 'none set'
      : `${settings.join(', ')}: for other machines, the parts reach each other without it`,
  );
}

export const checkTemporary = ({ temporary }: StackPaths): Requirement =>
  met('temporary files', `${temporary}; ${tmpdir()} is not used`);
