import { afterEach, describe, expect, it } from 'vitest';
import { fakeApi, problem } from './testing/fake-api.js';
import type { FakeApi, FakeRoutes } from './testing/fake-api.js';
import { runHere } from './testing/run-here.js';

const servers: FakeApi[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const nouns = {
  datasets: 'dataset',
  runs: 'run',
  sweep: 'sweep',
  embeddings: 'embedding',
  generations: 'generation',
} as const;

const removal = (kind: string, id: string) => ({ kind, id, name: 'octopus' });

async function against(args: readonly string[], routes: FakeRoutes) {
  const api = await fakeApi(routes);
  servers.push(api);
  const env = { MURNAU_SERVER: api.url, MURNAU_TOKEN: 'secret' };
  const asked = () => api.requests.map(({ method, url }) => `${method} ${url.pathname}${url.search}`);
  return { ...(await runHere(args, env)), asked };
}

describe.each(Object.entries(nouns))('murnau %s rm', (noun, kind) => {
  const routes: FakeRoutes = {
    [`DELETE /v1/${kind}s/:id`]: ({ url }) => ({
      ...removal(kind, url.pathname.split('/').at(-1) ?? ''),
      trials: kind === 'sweep' ? 3 : 0,
      dependants: [removal('run', '22222222')],
      dependant_count: 21,
    }),
  };

  it('says what goes, and asks for --yes where nobody can be asked', async () => {
    const { exitCode, stdout, stderr, asked } = await against([noun, 'rm', '11111111'], routes);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`${kind} 11111111 (octopus)${kind === 'sweep' ? ', with 3 trials' : ''}\n`);
    expect(stderr).toContain('  and run 22222222 (octopus)\n  and 20 more\n');
    expect(stderr).toMatch(/--yes/);
    expect(asked()).toEqual([`DELETE /v1/${kind}s/11111111?dependants=false&dry_run=true`]);
  });

  it('removes each once with --yes, after all were looked at', async () => {
    const ids = ['11111111', '33333333'];
    const { exitCode, stdout, asked } = await against([noun, 'rm', ...ids, '11111111', '--yes'], routes);
    expect([exitCode, stdout]).toEqual([0, '11111111\n33333333\n']);
    expect(asked()).toEqual(
      ['true', 'false'].flatMap((dry) =>
        ids.map((id) => `DELETE /v1/${kind}s/${id}?dependants=false&dry_run=${dry}`),
      ),
    );
  });

  it('changes nothing with --dry-run', async () => {
    const { exitCode, stdout, asked } = await against(
      [noun, 'rm', '11111111', '--dry-run', '--json'],
      routes,
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ kind, id: '11111111', dependant_count: 21 }]);
    expect(asked()).toHaveLength(1);
  });

  it('removes none when one cannot be removed', async () => {
    const { exitCode, stderr, asked } = await against([noun, 'rm', '11111111', '33333333', '--yes'], {
      [`DELETE /v1/${kind}s/33333333`]: () => problem('removal.still_open', 'Still at work: it.'),
      ...routes,
    });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/removal\.still_open/);
    expect(asked().every((request) => request.endsWith('dry_run=true'))).toBe(true);
  });
});

it('what uses it goes only when that is asked for', async () => {
  const routes: FakeRoutes = {
    'DELETE /v1/datasets/:id': () => ({
      ...removal('dataset', '11111111'),
      trials: 0,
      dependants: [],
      dependant_count: 0,
    }),
  };
  const { asked } = await against(['datasets', 'rm', '11111111', '--with-dependants', '--yes'], routes);
  expect(asked()).toContain('DELETE /v1/datasets/11111111?dependants=true&dry_run=false');
  expect((await against(['runs', 'rm', '11111111', '--with-dependants'], routes)).exitCode).toBe(2);
});
