import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { absentTemporal, startTestServer, type TestServer, token } from '../testing/test-server.js';
import { codeS, Sessions } from './sessions.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer(absentTemporal());
});
afterAll(() => server.close());

const sessionsOf = (given: Partial<ConstructorParameters<typeof Sessions>[0]> = {}): Sessions =>
  new Sessions({ store: server.store, token, isSecure: false, ...given });
const cookieOf = (set: string | undefined): string => set?.split(';')[0] ?? '';

describe('a code', () => {
  it('lets one browser in, once', async () => {
    const sessions = sessionsOf();
    const code = sessions.makeCode();
    expect(await sessions.begin(code)).toMatch(
      /^murnau_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/,
    );
    expect(await sessions.begin(code)).toBeUndefined();
    expect(await sessions.begin('')).toBeUndefined();
    expect(await sessions.begin(token)).toBeUndefined();
  });

  it('lets nobody in when its time is over', async () => {
    let now = 0;
    const sessions = sessionsOf({ now: () => now });
    const [early, late] = [sessions.makeCode(), sessions.makeCode()];
    now = codeS * 1_000;
    expect(await sessions.begin(early)).toBeDefined();
    now += 1;
    expect(await sessions.begin(late)).toBeUndefined();
  });

  it('is forgotten when very many came after it', async () => {
    const sessions = sessionsOf();
    const first = sessions.makeCode();
    for (let index = 0; index < 100; index += 1) sessions.makeCode();
    expect(await sessions.begin(first)).toBeUndefined();
  });
});

describe('a session', () => {
  it('outlives the process, ends when it is ended, and is not what is stored', async () => {
    const sessions = sessionsOf();
    const cookie = cookieOf(await sessions.begin(sessions.makeCode()));
    expect(await sessionsOf().isOpen(`theme=dark; ${cookie}`)).toBe(true);
    expect(await server.store.sessions.isOpen(cookie.split('=')[1] ?? '')).toBe(false);
    const cleared = await sessionsOf().end(cookie);
    expect(cleared).toMatch(/^murnau_session=; .*Max-Age=0$/);
    expect(await sessions.isOpen(cookie)).toBe(false);
  });

  it('ends with the token of its time, and with its days', async () => {
    const sessions = sessionsOf();
    const cookie = cookieOf(await sessions.begin(sessions.makeCode()));
    expect(await sessionsOf({ token: 'the token of another install' }).isOpen(cookie)).toBe(false);
    await server.store.sessions.begin('over', 0);
    expect(await server.store.sessions.isOpen('over')).toBe(false);
  });

  it('is none that was made up', async () => {
    const sessions = sessionsOf();
    for (const cookie of [
      undefined,
      '',
      'murnau_session=',
      `murnau_session=${token}`,
      `murnau_session=${'a'.repeat(43)}`,
    ])
      expect(await sessions.isOpen(cookie)).toBe(false);
  });

  it('of a server behind https stays with https', async () => {
    const sessions = sessionsOf({ isSecure: true });
    expect(await sessions.begin(sessions.makeCode())).toMatch(/; Secure$/);
  });
});
