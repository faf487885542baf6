import { MurnauError } from '@murnau/domain';
import { describePortHolder, isPortFree } from '../processes/ports.js';

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
    { asked, preferred, isOwn }: { asked: number | null; preferred: number; isOwn: boolean },
  ): Promise<number> {
    const before = this.#given.get(listener);
    if (before !== undefined && (isOwn || (await isPortFree(before)))) return before;
    if (asked !== null) {
      if (!(await isPortFree(asked))) throw await portTaken(listener, asked);
      this.#given.set(listener, asked);
      return asked;
    }
    const others = new Set([...this.#given].filter(([name]) => name !== listener).map(([, port]) => port));
    for (let port = preferred; port < Math.min(preferred + 1000, 65_536); port += 1) {
      if (others.has(port) || !(await isPortFree(port))) continue;
      this.#given.set(listener, port);
      return port;
    }
    throw new MurnauError('setup.port_taken', `No port from ${preferred} on is free for ${listener}.`);
  }
}

export async function portTaken(listener: string, port: number): Promise<MurnauError> {
  const holder = await describePortHolder(port);
  return new MurnauError(
    'setup.port_taken',
    `Port ${port}, asked for as that of ${listener}, is taken${holder ? ` by ${holder}` : ''}.`,
    { field: `ports.${listener}`, given: String(port), allowed: 'a free port, or none given' },
  );
}
