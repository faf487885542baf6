import { MurnauError } from '@murnau/domain';
import { expect, it } from 'vitest';
import type { Connection } from '../core/connection.js';
import { createContext } from '../core/context.js';
import { createOutput } from '../core/io.js';
import { readEnvironment } from '../env.js';
import { watch } from './follow.js';

it.each([
  [
    'runs',
    'embedded',
    'The run 7f3a91c2 goes on at the next murnau up; watch it again: murnau runs watch 7f3a91c2',
  ],
  [
    'sweeps',
    'embedded',
    'The sweep 7f3a91c2 goes on at the next murnau up; watch it again: murnau sweep watch 7f3a91c2',
  ],
  [
    'sweeps',
    'environment',
    'The sweep 7f3a91c2 goes on with the server; watch it again: murnau sweep watch 7f3a91c2',
  ],
] as const)('watching %s of a server that goes away (%s) names what goes on', async (of, source, goesOn) => {
  const environment = readEnvironment({ NO_COLOR: '1', MURNAU_SERVER: 'http://x' });
  const output = createOutput({ write: () => true }, environment);
  const connection: Connection = { server: 'http://x', token: undefined, isSupervised: false, source };
  const plain = createContext({ out: output, err: output }, environment, {}, String);
  const client = Object.assign(plain.client(), {
    follow: async function* () {
      throw new MurnauError('server.unreachable', 'http://x does not answer.');
    },
  });
  const context = { ...plain, connection: () => connection, client: () => client };
  const watching = watch(context, { of, id: '7f3a91c2', view: { lines: () => [], line: () => '' } });
  await expect(watching).rejects.toMatchObject({
    code: 'server.unreachable',
    message: `http://x does not answer. ${goesOn}`,
  });
});
