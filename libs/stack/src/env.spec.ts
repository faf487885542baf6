import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { inheritedEnv, proxySettings, supervisorEnv } from './env.js';

const namesIn = (app: string): string[] => {
  const source = readFileSync(
    fileURLToPath(new URL(`../../../apps/${app}/src/env.ts`, import.meta.url)),
    'utf8',
  );
  return [...source.matchAll(/^ {2}([A-Z_]+): /gm)].map(([, name]) => name ?? '');
};

describe('inheritedEnv', () => {
  test('holds nothing that the apps read: they are told, whatever a shell has of these names', () => {
    for (const app of ['api', 'dispatcher', 'orchestrator']) {
      const names = namesIn(app).filter((name) => !name.startsWith('MURNAU_LIMIT_'));
      expect(names.length).toBeGreaterThan(5);
      const given = Object.fromEntries(names.map((name) => [name, 'of the shell']));
      for (const name of names) expect(inheritedEnv(given)).not.toHaveProperty(name);
    }
  });

  test('holds the limits of the installation, for whichever app reads them', () => {
    const limits = ['api', 'orchestrator'].map((app) =>
      namesIn(app).filter((name) => name.startsWith('MURNAU_LIMIT_')),
    );
    for (const names of limits) expect(names).not.toEqual([]);
    const given = Object.fromEntries(limits.flat().map((name) => [name, '1']));
    expect(inheritedEnv(given)).toMatchObject(given);
    expect(supervisorEnv({ home: '/data', temporary: '/data/tmp' }, given)).toMatchObject(given);
  });

  test('leaves out what changes Python, Node, Temporal and PostgreSQL, and keeps the rest', () => {
    const others = {
      NODE_OPTIONS: '--inspect',
      NODE_USE_ENV_PROXY: '1',
      PYTHONINSPECT: '1',
      PYTHONWARNINGS: 'error',
      TEMPORAL_ENV: 'staging',
      PGHOST: 'elsewhere',
      MURNAU_HOME: '/elsewhere',
    };
    const kept = { PATH: '/bin', CUDA_VISIBLE_DEVICES: '1', PGO_FLAGS: 'x', LD_LIBRARY_PATH: '/cuda' };
    const env = inheritedEnv({ ...others, ...kept });
    expect(env).toMatchObject(kept);
    for (const name of Object.keys(others)) expect(env).not.toHaveProperty(name);
  });

  test('keeps a proxy, but not for loopback', () => {
    const env = inheritedEnv({ http_proxy: 'http://proxy:3128', NO_PROXY: 'intern.example' });
    expect(env).toMatchObject({
      http_proxy: 'http://proxy:3128',
      no_proxy: 'intern.example,127.0.0.1,localhost,::1,[::1]',
      NO_PROXY: 'intern.example,127.0.0.1,localhost,::1,[::1]',
    });
  });
});

test('supervisorEnv has a home and a user also where the shell has none, and keeps temporary files with the data', () => {
  const paths = { home: '/data', temporary: '/data/tmp' };
  expect(supervisorEnv(paths, { HOME: '/home/ada', USER: 'ada', TMPDIR: '/gone' })).toMatchObject({
    HOME: '/home/ada',
    USER: 'ada',
    TMPDIR: '/data/tmp',
  });
  const bare = supervisorEnv(paths, { HOME: '' });
  expect(bare['HOME']).toBe('/data');
  expect(bare['USER']).not.toBe('');
});

test('proxySettings names what is set, in both cases of letters, without passwords', () => {
  expect(
    proxySettings({
      HTTP_PROXY: 'http://ada:secret@proxy:3128',
      grpc_proxy: 'http://proxy:1',
      all_proxy: '',
      no_proxy: 'x',
      NODE_USE_ENV_PROXY: '1',
    }),
  ).toEqual(['HTTP_PROXY=http://…@proxy:3128', 'grpc_proxy=http://proxy:1', 'NODE_USE_ENV_PROXY=1']);
});
