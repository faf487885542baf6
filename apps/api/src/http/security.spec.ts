import { MurnauError } from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import { type Credentials, isLoopback, Trust } from './security.js';

const token = 'a-token-for-tests-only';
const local = {
  host: '127.0.0.1',
  token,
  galleryUrl: 'http://127.0.0.1:7800',
  allowedHosts: [] as readonly string[],
  sessions: { isOpen: (cookies?: string) => Promise.resolve(cookies === 'murnau_session=open') },
};
const nothing: Credentials = {
  method: 'GET',
  host: '127.0.0.1:7800',
  origin: undefined,
  authorization: undefined,
  cookie: undefined,
  fetchSite: undefined,
  fetchMode: undefined,
};

function refusalOf(work: () => void): string | undefined {
  try {
    work();
  } catch (error) {
    return error instanceof MurnauError ? error.code : String(error);
  }
  return undefined;
}
const source = (given: Partial<Credentials>, options: Partial<typeof local> = {}): string | undefined =>
  refusalOf(() => new Trust({ ...local, ...options }).checkSource({ ...nothing, ...given }));
const access = (given: Partial<Credentials>): Promise<string | undefined> =>
  new Trust(local).checkToken({ ...nothing, ...given }).then(
    () => undefined,
    (error: unknown) => (error instanceof MurnauError ? error.code : String(error)),
  );

describe('Host', () => {
  it.each(['127.0.0.1:7800', 'localhost:7800', '[::1]:7800', 'LOCALHOST', 'localhost:9000'])(
    'takes %s',
    (host) => {
      expect(source({ host })).toBeUndefined();
    },
  );

  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example:7800',
    '127.0.0.1.evil.example',
    '192.168.1.7',
    'user@localhost',
    'localhost/x',
  ])('refuses %s on loopback: a name of someone else may resolve to us', (host) => {
    expect(source({ host })).toBe('auth.origin');
  });

  it('takes the name of the gallery and any address where it listens for all', () => {
    const open = { host: '0.0.0.0', galleryUrl: 'https://murnau.example.org' };
    expect(source({ host: 'murnau.example.org' }, open)).toBeUndefined();
    expect(source({ host: '10.1.2.3:7800' }, open)).toBeUndefined();
    expect(source({ host: 'evil.example' }, open)).toBe('auth.origin');
  });

  it('takes a name that was allowed, and that one only; its pages too', () => {
    const tunnel = { allowedHosts: ['x-7800.app.github.dev'] };
    const host = 'x-7800.app.github.dev';
    expect(source({ host }, tunnel)).toBeUndefined();
    expect(source({ host, origin: `https://${host}`, method: 'POST' }, tunnel)).toBeUndefined();
    for (const other of ['y-7800.app.github.dev', 'app.github.dev', `${host}.evil.example`])
      expect(source({ host: other }, tunnel)).toBe('auth.origin');
    expect(source({ host, origin: 'https://y-7800.app.github.dev' }, tunnel)).toBe('auth.origin');
  });

  it('says how a name that was refused is allowed', () => {
    expect(() => new Trust(local).checkSource({ ...nothing, host: 'x-7800.app.github.dev' })).toThrow(
      /`murnau up --allow-host x-7800\.app\.github\.dev`/,
    );
  });
});

describe('Origin', () => {
  it('takes none, its own and that of the gallery', () => {
    expect(source({})).toBeUndefined();
    expect(source({ origin: 'http://127.0.0.1:7800' })).toBeUndefined();
    expect(source({ host: 'localhost:7800', origin: 'http://localhost:7800' })).toBeUndefined();
    expect(source({ origin: 'https://m.example' }, { galleryUrl: 'https://m.example' })).toBeUndefined();
  });

  it.each([
    'null',
    'http://evil.example',
    'http://127.0.0.1:3000',
    'http://localhost:7800',
    'file://',
    'chrome-extension://abc',
  ])('refuses %s', (origin) => {
    expect(source({ origin, method: 'POST' })).toBe('auth.origin');
  });

  it('lets links from elsewhere open pages, and nothing else come from there', () => {
    for (const fetchSite of ['cross-site', 'same-site']) {
      expect(source({ fetchSite, fetchMode: 'navigate' })).toBeUndefined();
      expect(source({ fetchSite, fetchMode: 'navigate', method: 'POST' })).toBe('auth.origin');
      expect(source({ fetchSite, fetchMode: 'no-cors' })).toBe('auth.origin');
    }
    expect(source({ fetchSite: 'same-origin', fetchMode: 'cors', method: 'POST' })).toBeUndefined();
    expect(source({ fetchSite: 'none', fetchMode: 'navigate' })).toBeUndefined();
  });
});

describe('token', () => {
  it('is taken from the header, and nothing like it', async () => {
    expect(await access({ authorization: `Bearer ${token}` })).toBeUndefined();
    expect(await access({ authorization: `bearer ${token}` })).toBeUndefined();
    for (const authorization of [
      token,
      'Bearer',
      `Bearer ${token}x`,
      `Bearer ${token.slice(1)}`,
      `Basic ${token}`,
      '',
    ]) {
      expect(await access({ authorization })).toBe('auth.missing');
    }
    expect(await access({})).toBe('auth.missing');
  });

  it('is not asked of a browser that is in; a wrong one is not saved by that', async () => {
    const cookie = 'murnau_session=open';
    expect(await access({ cookie })).toBeUndefined();
    expect(await access({ cookie: `murnau_session=${token}` })).toBe('auth.missing');
    expect(await access({ cookie, authorization: 'Bearer wrong' })).toBe('auth.missing');
  });

  it('may be left out on loopback only', async () => {
    await new Trust({ ...local, token: undefined }).checkToken(nothing);
    for (const host of ['0.0.0.0', '::', '192.168.1.7', 'murnau.example.org']) {
      expect(refusalOf(() => new Trust({ ...local, host, token: undefined }))).toBe('config.invalid');
    }
  });
});

it('knows loopback', () => {
  expect(['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '128.0.0.1', '1127.0.0.1', 'localhost.example'].some(isLoopback)).toBe(false);
});
