import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { commandLineOf } from './identity.js';

/** Whether a loopback port can be listened on: `not_permitted` below 1024, `no_loopback` without the address. */
export type PortState = 'free' | 'taken' | 'not_permitted' | 'no_loopback';

const states: Readonly<Record<string, PortState>> = {
  EACCES: 'not_permitted',
  EPERM: 'not_permitted',
  EADDRNOTAVAIL: 'no_loopback',
};

export function probePort(port: number): Promise<PortState> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(states[code] ?? 'taken'));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve('free')));
  });
}

/** Inodes of the sockets that listen on a port, from the kernel's table. */
async function listeningInodes(port: number): Promise<Set<string>> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  const rows = tables.flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)));
  // Columns: sl, local address, remote address, state (0A listens), …, inode as the tenth.
  return new Set(
    rows.filter((row) => row[1]?.endsWith(`:${wanted}`) && row[3] === '0A').map((row) => row[9] ?? ''),
  );
}

/** @returns who listens on a port as `process 123 (python -m http.server)`, or null where that cannot be known */
export async function describePortHolder(port: number): Promise<string | null> {
  const inodes = await listeningInodes(port);
  if (inodes.size === 0) return null;
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      const command = await commandLineOf(Number(pid));
      return `process ${pid}${command ? ` (${command.slice(0, 80)})` : ''}`;
    }
  }
  return null;
}
