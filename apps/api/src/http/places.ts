import { MurnauError } from '@murnau/domain';

interface PlacesOptions {
  /** What has places, in the plural, for the message. */
  what: string;
  /** Units that may be taken at once. */
  units: number;
  /** How many may wait for theirs. */
  mostWaiting: number;
}

interface Waiting {
  units: number;
  enter: () => void;
}

/** Room for work of one kind: what finds none waits in turn, and what finds no room to wait is refused. */
export class Places {
  readonly #options: PlacesOptions;
  readonly #queue: Waiting[] = [];
  #free: number;

  constructor(options: PlacesOptions) {
    this.#options = options;
    this.#free = options.units;
  }

  /**
   * @param wanted units; more than there are is all of them
   * @returns how to give them back, once or more often
   * @throws MurnauError `server.busy`
   */
  async take(wanted = 1): Promise<() => void> {
    const { what, mostWaiting } = this.#options;
    const units = Math.min(wanted, this.#options.units);
    if (this.#queue.length === 0 && units <= this.#free) this.#free -= units;
    else if (this.#queue.length >= mostWaiting) {
      throw new MurnauError('server.busy', `This server has no room for more ${what} at once.`);
    } else await new Promise<void>((enter) => this.#queue.push({ units, enter }));
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#free += units;
      this.#admit();
    };
  }

  /** @throws MurnauError `server.busy`, and what the work throws */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    const giveBack = await this.take();
    try {
      return await work();
    } finally {
      giveBack();
    }
  }

  #admit(): void {
    for (let next = this.#queue[0]; next !== undefined && next.units <= this.#free; next = this.#queue[0]) {
      this.#queue.shift();
      this.#free -= next.units;
      next.enter();
    }
  }
}
