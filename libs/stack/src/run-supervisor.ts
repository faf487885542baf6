// The detached process that `murnau up` starts: node run-supervisor.js <home>. Its log is logs/supervisor.log.
import { rm } from 'node:fs/promises';
import { readText, rotateLogs, tryLock } from '@murnau/supervisor';
import { stackPaths } from './paths.js';
import { Supervisor } from './stack-supervisor.js';

const rotateEveryMs = 10_000;

// Logs, blobs and Temporal's file are for their owner alone, whatever the shell's umask is. The parts inherit it.
process.umask(0o077);

// On a full disk its log takes nothing more, and that must not end it.
process.stderr.on('error', () => {});

function say(event: string, details: Record<string, unknown> = {}): void {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...details })}\n`);
}

async function main(home: string | undefined): Promise<void> {
  const paths = stackPaths(home);
  if (!(await tryLock(paths.supervisorLock))) {
    say('supervisor.already_runs');
    return;
  }
  const token = (await readText(paths.token))?.trim();
  if (!token) throw new Error(`no token in ${paths.token}`);
  // Signals that come while it starts are answered once it has.
  const starting = Supervisor.start(paths, { token, say });
  const rotation = setInterval(() => {
    rotateLogs(paths.logs).catch((error: unknown) => say('logs.not_rotated', { error: String(error) }));
  }, rotateEveryMs);

  const reload = async (): Promise<void> => (await starting).reload();
  const stop = async (): Promise<void> => {
    clearInterval(rotation);
    await (await starting).stop();
    for (const path of [paths.state, paths.supervisorLock]) {
      await rm(path, { force: true }).catch((error: unknown) =>
        say('file.not_removed', { error: String(error) }),
      );
    }
    process.exit(0);
  };
  process.on('SIGHUP', () => {
    reload().catch((error: unknown) => say('settings.not_followed', { error: String(error) }));
  });
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      stop().catch((error: unknown) => say('stack.not_stopped', { error: String(error) }));
    });
  }
  await starting;
}

// One part's surprise is no reason to leave the others alone.
process.on('unhandledRejection', (error) => say('unhandled', { error: String(error) }));

await main(process.argv[2]);
