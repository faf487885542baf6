import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderError } from '@murnau/environment';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readEnvironment } from '../env.js';
import { fakeApi } from '../testing/fake-api.js';
import type { FakeApi } from '../testing/fake-api.js';
import { runHere } from '../testing/run-here.js';
import { findConnection } from './connection.js';
import type { Connection } from './connection.js';

let folder: string;
const servers: FakeApi[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-connection-'));
  await mkdir(join(folder, 'murnau'));
  const profiles = {
    lab: { server: 'https://lab.example/murnau/' },
    own: { server: 'https://own.example', token: 'own' },
  };
  await writeFile(join(folder, 'murnau', 'profiles.json'), JSON.stringify(profiles));
  const stack = { api_url: 'http://127.0.0.1:7800', token: 'of this install' };
  await writeFile(join(folder, 'stack.json'), JSON.stringify(stack));
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const find = (env: Record<string, string> = {}, profile?: string): Connection =>
  findConnection(readEnvironment({ MURNAU_HOME: folder, XDG_CONFIG_HOME: folder, ...env }), profile);

describe("this install's token", () => {
  it.each([
    [{}, 'of this install'],
    [{ MURNAU_SERVER: 'http://127.0.0.1:7800' }, 'of this install'],
    [{ MURNAU_SERVER: 'http://127.0.0.1:7800/' }, 'of this install'],
    [{ MURNAU_SERVER: 'http://127.0.0.1:7801' }, undefined],
    [{ MURNAU_SERVER: 'https://127.0.0.1:7800' }, undefined],
    [{ MURNAU_SERVER: 'http://127.0.0.1.example:7800' }, undefined],
    [{ MURNAU_SERVER: 'http://other.example' }, undefined],
    [{ MURNAU_SERVER: 'http://other.example', MURNAU_TOKEN: 'given' }, 'given'],
    [{ MURNAU_TOKEN: 'given' }, 'given'],
    [{ MURNAU_PROFILE: 'lab' }, undefined],
    [{ MURNAU_PROFILE: 'lab', MURNAU_TOKEN: 'given' }, 'given'],
  ])('with %j: %s is sent', (env, token) => expect(find(env).token).toBe(token));

  it("another server's token is not sent to a profile's", () => {
    const env = { MURNAU_SERVER: 'http://other.example', MURNAU_TOKEN: "the other's" };
    expect(find(env, 'lab').token).toBeUndefined();
    expect(find(env, 'own').token).toBe('own');
  });

  it('does not reach another server', async () => {
    const api = await fakeApi({ 'GET /v1/workers': () => ({ items: [] }) });
    servers.push(api);
    const { exitCode } = await runHere(['workers'], { MURNAU_HOME: folder, MURNAU_SERVER: api.url });
    expect(exitCode).toBe(0);
    expect(api.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

describe('the address of a server', () => {
  it('keeps its path', async () => {
    expect(find({ MURNAU_SERVER: 'https://host.example/murnau//' }).server).toBe(
      'https://host.example/murnau',
    );
    expect(find({}, 'lab').server).toBe('https://lab.example/murnau');
    const api = await fakeApi({ 'GET /team/murnau/v1/runs': () => ({ items: [], next_cursor: null }) });
    servers.push(api);
    const { exitCode } = await runHere(['runs', 'ls'], { MURNAU_SERVER: `${api.url}/team/murnau/` });
    expect(exitCode).toBe(0);
    expect(api.requests.map(({ url }) => url.pathname + url.search)).toEqual([
      '/team/murnau/v1/runs?limit=51',
    ]);
  });

  it.each([
    'host:7800',
    'http://',
    'http:///x',
    'ftp://host',
    'http://ada:secret@host',
    'http://host/?a=b',
    'http://host/#a',
  ])('%s is none', (server) => {
    expect(() => find({ MURNAU_SERVER: server })).toThrow(
      expect.objectContaining({ code: 'usage.invalid', field: 'MURNAU_SERVER', given: server }),
    );
  });
});

describe('without a running stack', () => {
  const none = (home: string): unknown => {
    try {
      return find({ MURNAU_HOME: home });
    } catch (error) {
      return error;
    }
  };

  it('tells a stopped one from none', async () => {
    const home = join(folder, 'home');
    const unreachable = (message: string) => expect.objectContaining({ code: 'server.unreachable', message });
    expect(none(home)).toEqual(unreachable(`no server runs here (nothing in ${home})`));
    await mkdir(home);
    expect(none(home)).toEqual(unreachable(`no server runs here (nothing in ${home})`));
    await writeFile(join(home, 'token'), 'of this install');
    expect(none(home)).toEqual(unreachable(`no server runs here: it was stopped; the data are in ${home}`));
  });

  it('asks another server without a token where no data folder can be told', () => {
    const environment = readEnvironment({ MURNAU_SERVER: 'http://other.example' });
    const homeless = Object.defineProperty({ ...environment, server: environment.server }, 'home', {
      get: () => {
        throw new FolderError('no home folder', '', 'a folder');
      },
    });
    expect(findConnection(homeless, undefined)).toMatchObject({
      server: 'http://other.example',
      token: undefined,
    });
  });
});
