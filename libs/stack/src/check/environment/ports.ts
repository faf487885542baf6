import { isRefusedByBrowsers, webPortAllowed } from '@murnau/config';
import { MurnauError } from '@murnau/domain';
import { describePortHolder, isAlive, probePort } from '@murnau/supervisor';
import { portUnavailable } from '../../parts/port-book.js';
import { defaultPorts, type Settings } from '../../settings.js';
import type { StackState } from '../../state.js';
import type { Check } from '../check.js';

/** Those that browsers open. */
const webListeners = new Set(['api', 'temporal_ui']);

type Asked = [listener: string, port: number];

function askedPorts({ ports, workers }: Pick<Settings, 'ports' | 'workers'>): Asked[] {
  const named = (['api', 'temporal', 'temporal_ui', 'advisor'] as const).map(
    (listener) => [listener, ports[listener]] as const,
  );
  const { worker } = ports;
  const ofWorkers = Array.from(
    { length: worker === null ? 0 : workers },
    (_, index) => [`worker-${index}`, (worker ?? 0) + index] as const,
  );
  return [...named, ...ofWorkers].flatMap(([listener, port]) => (port === null ? [] : [[listener, port]]));
}

/** What is wrong with the ports that were asked for whatever runs here. @throws MurnauError `setup.port_unusable` */
export function refuseUnusablePorts(settings: Pick<Settings, 'ports' | 'workers'>): void {
  const taken = new Map<number, string>();
  for (const [listener, port] of askedPorts(settings)) {
    const refuse = (why: string, allowed: string): never => {
      throw new MurnauError(
        'setup.port_unusable',
        `Port ${port}, asked for as that of ${listener}, ${why}.`,
        {
          field: `ports.${listener}`,
          given: String(port),
          allowed,
        },
      );
    };
    if (port < 1 || port > 65_535) refuse('is none', 'a port from 1 to 65535');
    if (webListeners.has(listener) && isRefusedByBrowsers(port)) {
      refuse('is one that browsers and fetch refuse to open', webPortAllowed);
    }
    const other = taken.get(port);
    if (other !== undefined) refuse(`was asked for as that of ${other} as well`, 'a port of its own');
    taken.set(port, listener);
  }
}

/**
 * A part that lives keeps its port: others have its address. Another one asked for now would be passed over in silence.
 * @param asked what is asked for now, not what was before
 * @throws MurnauError `setup.port_unusable`
 */
export async function refuseOtherPorts(
  asked: Pick<Settings, 'ports' | 'workers'>,
  before: StackState | null,
): Promise<void> {
  if (before === null) return;
  for (const [listener, port] of askedPorts(asked)) {
    const running = await runningPort(before, listener);
    if (running === undefined || running === port) continue;
    throw new MurnauError(
      'setup.port_unusable',
      `Port ${port} was asked for as that of ${listener}, which runs on port ${running}: ` +
        'murnau down first, then up with it.',
      {
        field: `ports.${listener}`,
        given: String(port),
        allowed: `${running}, or none given, while it runs`,
      },
    );
  }
}

async function runningPort(state: StackState, listener: string): Promise<number | undefined> {
  const isUi = listener === 'temporal_ui';
  const part = state.parts.find(({ name }) => name === (isUi ? 'temporal' : listener));
  if (part?.pid === undefined || part.started === undefined) return undefined;
  if (!(await isAlive({ pid: part.pid, started: part.started }))) return undefined;
  return isUi ? Number(new URL(state.temporal_ui_url).port) : part.port;
}

/** A port that was asked for is free, or held by the part of this stack that had it before. */
export async function refuseTakenPorts(settings: Settings, before: StackState | null): Promise<void> {
  const own = new Set<number>();
  for (const { pid, started, port } of before?.parts ?? []) {
    if (pid === undefined || started === undefined || port === undefined) continue;
    if (await isAlive({ pid, started })) own.add(port);
  }
  if (before && own.size > 0) own.add(Number(new URL(before.temporal_ui_url).port));
  for (const [listener, port] of askedPorts(settings)) {
    if (own.has(port)) continue;
    const state = await probePort(port);
    if (state !== 'free') throw await portUnavailable(listener, port, state);
  }
}

/** Only while nothing of ours runs. A taken default is no fault: the next free port is used. */
export async function checkPorts({ ports }: Settings): Promise<Check[]> {
  const checks = (['api', 'temporal', 'temporal_ui', 'advisor'] as const).map(
    async (listener): Promise<Check[]> => {
      const port = ports[listener] ?? defaultPorts[listener];
      if ((await probePort(port)) !== 'taken') return [];
      const holder = (await describePortHolder(port)) ?? 'another process';
      const isAsked = ports[listener] !== null;
      return [
        {
          part: `port ${port}`,
          ok: !isAsked,
          detail: `taken by ${holder}${isAsked ? '' : `: ${listener} takes the next free one`}`,
          ...(isAsked && { mend: `stop it, or choose another port for ${listener}` }),
        },
      ];
    },
  );
  const taken = (await Promise.all(checks)).flat();
  return taken.length > 0
    ? taken
    : [{ part: 'ports', ok: true, detail: `${Object.values(defaultPorts).join(', ')} free` }];
}
