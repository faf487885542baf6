/** Of a thing that changes all the time, and of what its page says of the time. */
const FRESH_MS = 1_000;
const MOST_PAGES = 200;

/** A page that was drawn is given to all who look at the same state of the same thing. */
export class SharedPages {
  readonly #drawn = new Map<string, { version: number; at: number; page: Promise<string> }>();

  /** @param version of the state shown; undefined: not known, so it is drawn anew */
  draw(key: string, version: number | undefined, draw: () => Promise<string>): Promise<string> {
    if (version === undefined) return draw();
    const now = Date.now();
    const last = this.#drawn.get(key);
    if (last?.version === version && now - last.at < FRESH_MS) return last.page;
    const drawn = { version, at: now, page: draw() };
    drawn.page.catch(() => this.#drawn.delete(key));
    if (this.#drawn.size >= MOST_PAGES) this.#drawn.clear();
    this.#drawn.set(key, drawn);
    return drawn.page;
  }
}
