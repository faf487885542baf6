import { isRefusedByBrowsers } from '@murnau/config';
import { MurnauError } from '@murnau/domain';
import { describePortHolder, type PortState, probePort } from '@murnau/supervisor';

/** Gives each listener its port: the one asked for or an error, else the default or the next free one. */
export class PortBook {
  readonly #given = new Map<string, number>();

  /** Remembers the port of a listener that outlived its supervisor. */
  keep(listener: string, port: number): void {
    this.#given.set(listener, port);
  }

  get(listener: string): number | undefined {
    return this.#given.get(listener);
  }

  /** The listener's port, the same at each call as long as nobody else took it. */
  async claim(
    listener: string,
    {
      asked,
      preferred,
      isOwn,
      isWeb = false,
    }: {
      asked: number | null;
      preferred: number;
      isOwn: boolean;
      /** Browsers open it: ports that they refuse are passed over. */
      isWeb?: boolean;
    },
  ): Promise<number> {
    const before = this.#given.get(listener);
    if (before !== undefined && isOwn) return before;
    const isWanted = asked === null || asked === before;
    if (before !== undefined && isWanted && (await probePort(before)) === 'free') return before;
    if (asked !== null) {
      const state = await probePort(asked);
      if (state !== 'free') throw await portUnavailable(listener, asked, state);
      this.#given.set(listener, asked);
      return asked;
    }
    const others = new Set([...this.#given].filter(([name]) => name !== listener).map(([, port]) => port));
    for (let port = preferred; port < Math.min(preferred + 1000, 65_536); port += 1) {
      if (others.has(port) || (isWeb && isRefusedByBrowsers(port))) continue;
      if ((await probePort(port)) !== 'free') continue;
      this.#given.set(listener, port);
      return port;
    }
    throw new MurnauError('setup.port_taken', `No port from ${preferred} on is free for ${listener}.`);
  }
}

const reasons: Readonly<Record<Exclude<PortState, 'free' | 'taken'>, string>> = {
  not_permitted: 'may not be listened on by this user: ports below 1024 are for root',
  no_loopback: 'cannot be listened on: this machine has no address 127.0.0.1',
};

export async function portUnavailable(
  listener: string,
  port: number,
  state: Exclude<PortState, 'free'>,
): Promise<MurnauError> {
  const details = { field: `ports.${listener}`, given: String(port), allowed: 'a free port, or none given' };
  const named = `Port ${port}, asked for as that of ${listener},`;
  if (state !== 'taken') {
    return new MurnauError('setup.port_unusable', `${named} ${reasons[state]}.`, details);
  }
  const holder = await describePortHolder(port);
  return new MurnauError('setup.port_taken', `${named} is taken${holder ? ` by ${holder}` : ''}.`, details);
}
