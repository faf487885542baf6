import { afterEach, describe, expect, it } from 'vitest';
import { fakeApi, problem } from '../testing/fake-api.js';
import type { FakeApi } from '../testing/fake-api.js';
import { aRun, aSweep } from '../testing/fixtures.js';
import { runHere } from '../testing/run-here.js';

const servers: FakeApi[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe.each([
  ['runs', 'run', ['runs', 'watch'], aRun],
  ['runs', 'run', ['runs', 'show'], aRun],
  ['sweeps', 'sweep', ['sweep', 'watch'], aSweep],
  ['sweeps', 'sweep', ['sweep', 'describe'], aSweep],
] as const)('a name in the place of an id of %s', (path, noun, words, item) => {
  const answer = async (names: readonly (readonly [id: string, name: string])[]) => {
    const api = await fakeApi({
      [`GET /v1/${path}/:id`]: () => problem(`${noun}.not_found`, `There is no ${noun} octopus.`),
      [`GET /v1/${path}`]: () => ({
        items: names.map(([id, name]) => item({ id, name })),
        next_cursor: null,
      }),
    });
    servers.push(api);
    return runHere([...words, 'octopus'], { MURNAU_SERVER: api.url });
  };

  it(`leads to the id: ${words.join(' ')}`, async () => {
    const { exitCode, stderr } = await answer([
      ['aaaaaaaa', 'squid'],
      ['bbbbbbbb', 'octopus'],
    ]);
    expect(stderr).toContain(`an id is meant, and "octopus" is the name of a ${noun}: it is bbbbbbbb`);
    expect(exitCode).toBe(102);
  });

  it('is counted where several have it', async () => {
    const { stderr } = await answer([
      ['cccccccc', 'octopus'],
      ['bbbbbbbb', 'octopus'],
    ]);
    expect(stderr).toContain('2 have it, the newest is cccccccc');
  });

  it('is not found otherwise', async () => {
    const { exitCode, stderr } = await answer([['aaaaaaaa', 'squid']]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 102, stderr: expect.stringContaining('There is no') });
  });
});
