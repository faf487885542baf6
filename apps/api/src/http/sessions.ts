import { createHmac, randomBytes } from 'node:crypto';
import type { Store } from '@murnau/store';

const cookieName = 'murnau_session';
const sessionDays = 90;
const sessionS = sessionDays * 86_400;

/** How long a code for logging in is good for: as long as it takes to open a link that was just printed. */
export const codeS = 120;
/** Codes that wait to be used; of more the oldest is forgotten. */
const mostCodes = 100;

interface SessionOptions {
  store: Pick<Store, 'sessions'>;
  /** A session ends with the token under which it was begun. */
  token: string | undefined;
  /** Cookies of a server that is reached by https go nowhere else. */
  isSecure: boolean;
  now?: () => number;
}

/**
 * Browsers that have come in. What a browser holds is never the token: it comes in by a code that is good once and for two
 * minutes, which is all that an address, a history or a terminal ever shows, and holds a session that can be ended.
 */
export class Sessions {
  readonly #options: SessionOptions;
  readonly #now: () => number;
  /** When each code ends, oldest first. Of this process alone: a restarted one prints others. */
  readonly #codes = new Map<string, number>();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  makeCode(): string {
    const code = randomBytes(24).toString('base64url');
    this.#codes.set(this.#hashOf(code), this.#now() + codeS * 1_000);
    const [oldest = ''] = this.#codes.keys();
    if (this.#codes.size > mostCodes) this.#codes.delete(oldest);
    return code;
  }

  /** @returns `Set-Cookie` of a new session; undefined: the code was used, is too old, or never was one */
  async begin(code: string): Promise<string | undefined> {
    const hash = this.#hashOf(code);
    const endsAt = this.#codes.get(hash);
    this.#codes.delete(hash);
    if (endsAt === undefined || endsAt < this.#now()) return undefined;
    const session = randomBytes(32).toString('base64url');
    await this.#options.store.sessions.begin(this.#hashOf(session), sessionS);
    return this.#cookie(session, sessionS);
  }

  /** @param cookies the header `Cookie` */
  async isOpen(cookies: string | undefined): Promise<boolean> {
    const session = sessionIn(cookies);
    return session !== undefined && this.#options.store.sessions.isOpen(this.#hashOf(session));
  }

  /** @returns `Set-Cookie` that takes the session from the browser */
  async end(cookies: string | undefined): Promise<string> {
    const session = sessionIn(cookies);
    if (session !== undefined) await this.#options.store.sessions.end(this.#hashOf(session));
    return this.#cookie('', 0);
  }

  #cookie(value: string, maxAgeS: number): string {
    const secure = this.#options.isSecure ? '; Secure' : '';
    return `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${secure}`;
  }

  /** What is stored opens nothing. */
  #hashOf(secret: string): string {
    return createHmac('sha256', this.#options.token ?? '')
      .update(secret)
      .digest('base64url');
  }
}

/** Nothing else is looked up. */
const sessionIn = (cookies = ''): string | undefined =>
  new RegExp(`(?:^|;\\s*)${cookieName}=([\\w-]{43})(?:;|$)`).exec(cookies)?.[1];
