import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';

/** Where the server keeps what its processes share beside the buffers: in /dev/shm, or in its own data folder. */
export type DynamicSharedMemory = 'posix' | 'mmap';

/** The server takes about one. */
const SHARED_MEMORY_WANTED_BYTES = 8 * 1024 * 1024;

/** `mmap` where /dev/shm is missing, full or closed, as in some containers. @param isOther the server is another user */
export async function chooseSharedMemory(
  isOther: boolean,
  folder = '/dev/shm',
): Promise<DynamicSharedMemory> {
  if (process.platform !== 'linux') return 'posix';
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    const [{ mode }, { bavail, bsize }] = await Promise.all([stat(folder), statfs(folder)]);
    const isOpen = !isOther || (mode & 0o003) === 0o003;
    return isOpen && bavail * bsize >= SHARED_MEMORY_WANTED_BYTES ? 'posix' : 'mmap';
  } catch {
    return 'mmap';
  }
}

/**
 * Durable and small: one laptop or one server beside the training. Everything committed survives a power cut
 * (fsync, full_page_writes, synchronous_commit); memory stays under about 100 MB; Unix socket only.
 */
export function postgresSettings(
  socketDir: string,
  ownSettings: string,
  dynamicSharedMemory: DynamicSharedMemory,
): string {
  const settings: Record<string, string> = {
    listen_addresses: '',
    // A list: a comma in a folder's name would end an entry that is not quoted.
    unix_socket_directories: `"${socketDir.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    port: '5432', // names the socket file only: there is no TCP listener
    max_connections: '100',
    shared_buffers: '64MB',
    work_mem: '4MB',
    maintenance_work_mem: '32MB',
    // Parallel workers and dynamic shared memory buy nothing here and need a large /dev/shm.
    max_parallel_workers_per_gather: '0',
    max_parallel_maintenance_workers: '0',
    dynamic_shared_memory_type: dynamicSharedMemory,
    io_method: 'sync',
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    // No replicas: the least WAL that still recovers from a crash.
    wal_level: 'minimal',
    max_wal_senders: '0',
    min_wal_size: '32MB',
    max_wal_size: '256MB',
    checkpoint_timeout: '5min',
    // A statement that waits for a lock this long is a bug, and would hold a segment's lease.
    idle_in_transaction_session_timeout: '30s',
    // A client that died by kill -9 on this machine is noticed by its closed socket; this is for a stopped one.
    client_connection_check_interval: '1s',
    timezone: 'UTC',
    log_timezone: 'UTC',
    datestyle: 'iso',
    log_line_prefix: '%m [%p] ',
    log_checkpoints: 'off',
    lc_messages: 'C',
  };
  const quote = (value: string) => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quote(value)}`);
  return `# Written by murnau at each start; put your own settings into ${ownSettings}.\n${lines.join('\n')}\ninclude_if_exists = ${quote(ownSettings)}\n`;
}

/** Local trust is safe because the socket's folder belongs to the server's user and nobody else may enter it. */
export const HOST_BASED_AUTHENTICATION = 'local all all trust\n';
