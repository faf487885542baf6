import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { MurnauError } from '@murnau/domain';
import type { Sessions } from './sessions.js';

interface TrustOptions {
  /** Address that is listened on. */
  host: string;
  /** Absent: no token is asked for, which only a loopback address allows. */
  token: string | undefined;
  /** Where people reach the pages; its host name is trusted. */
  galleryUrl: string;
  /** Further names that requests may come by, such as that of a tunnel. */
  allowedHosts: readonly string[];
  sessions: Pick<Sessions, 'isOpen'>;
}

/** The headers that trust is decided by. */
export interface Credentials {
  method: string;
  host: string | undefined;
  origin: string | undefined;
  authorization: string | undefined;
  cookie: string | undefined;
  /** `Sec-Fetch-Site` and `Sec-Fetch-Mode`: which page asks, as the browser itself says. */
  fetchSite: string | undefined;
  fetchMode: string | undefined;
}

export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  return name === 'localhost' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name);
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));

/** The host name of a `Host` header, without port and brackets; undefined when it is none. */
function hostName(header: string | undefined): string | undefined {
  if (header === undefined || header === '' || /[\s/@\\]/.test(header)) return undefined;
  try {
    return new URL(`http://${header}`).hostname.replace(/^\[|\]$/g, '').toLowerCase();
  } catch {
    return undefined;
  }
}

/** For who has put a tunnel or a proxy in front of the server, and trusts its name. */
const howToAllow = (name: string | undefined): string =>
  name === undefined
    ? ''
    : `: where it is yours, allow it with \`murnau up --allow-host ${name}\` (API_ALLOWED_HOSTS of an api that is started by itself)`;

/**
 * Decides whom to trust (architecture, rule 10).
 * A page of another site can make a browser send requests here, by its own name resolved to this address (DNS
 * rebinding: Host betrays it) or across sites (Origin and Sec-Fetch-Site betray it). Cookies go to every port of a host,
 * so a session is not the token itself and is taken only from pages of this very origin.
 */
export class Trust {
  readonly #options: TrustOptions;
  readonly #gallery: URL;

  constructor(options: TrustOptions) {
    if (options.token === undefined && !isLoopback(options.host)) {
      throw new MurnauError(
        'config.invalid',
        `API_HOST ${options.host} is not loopback and API_TOKEN is not set`,
        {
          field: 'API_TOKEN',
          given: 'nothing',
          allowed: 'a token, or a loopback API_HOST such as 127.0.0.1',
        },
      );
    }
    this.#options = options;
    this.#gallery = new URL(options.galleryUrl);
  }

  /** @throws MurnauError `auth.origin` */
  checkSource({ host, origin, method, fetchSite, fetchMode }: Credentials): void {
    const name = hostName(host);
    if (name === undefined || !this.#isKnownHost(name)) {
      throw new MurnauError(
        'auth.origin',
        `This server does not go by the name ${host ?? '(none)'}${howToAllow(name)}`,
        {
          field: 'Host',
          given: host ?? '',
          allowed: [this.#gallery.host, ...this.#options.allowedHosts].join(', '),
        },
      );
    }
    if (origin !== undefined && !this.#isOwnOrigin(origin, host ?? '')) {
      throw new MurnauError('auth.origin', `Pages of ${origin} may not use this server`, {
        field: 'Origin',
        given: origin,
        allowed: this.#gallery.origin,
      });
    }
    // A link from elsewhere may open a page; nothing else may come from there.
    const isForeign = fetchSite === 'cross-site' || fetchSite === 'same-site';
    if (isForeign && !(fetchMode === 'navigate' && method === 'GET')) {
      throw new MurnauError('auth.origin', 'Pages of another site may not use this server', {
        field: 'Sec-Fetch-Site',
        given: fetchSite,
        allowed: 'same-origin',
      });
    }
  }

  /** By the token, or in a browser by its session. @throws MurnauError `auth.missing` */
  async checkToken({ authorization, cookie }: Credentials): Promise<void> {
    const { token, sessions } = this.#options;
    if (token === undefined) return;
    if (authorization !== undefined) {
      const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
      if (given !== undefined && isSame(given, token)) return;
      throw new MurnauError('auth.missing', 'The token is not that of this server.', {
        field: 'Authorization',
      });
    }
    if (await sessions.isOpen(cookie)) return;
    throw new MurnauError('auth.missing', 'This needs the token of this install.', {
      field: 'Authorization',
    });
  }

  #isKnownHost(name: string): boolean {
    const { allowedHosts } = this.#options;
    if (isLoopback(name) || name === this.#gallery.hostname.replace(/^\[|\]$/g, '')) return true;
    if (allowedHosts.includes(name)) return true;
    if (isLoopback(this.#options.host)) return false;
    // No name that an attacker holds can be an address.
    return name === this.#options.host || isIP(name) !== 0;
  }

  #isOwnOrigin(origin: string, host: string): boolean {
    if (origin === this.#gallery.origin) return true;
    try {
      const url = new URL(origin);
      return (
        (url.protocol === 'http:' || url.protocol === 'https:') &&
        url.host === new URL(`${url.protocol}//${host}`).host
      );
    } catch {
      return false;
    }
  }
}
