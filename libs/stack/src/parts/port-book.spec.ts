import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { MurnauError } from '@murnau/domain';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PortBook } from './port-book.js';

let server: Server;
let taken: number;
beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  taken = (server.address() as AddressInfo).port;
});
afterEach(() => server.close());

test('a taken default gives way to the next free port, and stays', async () => {
  const ports = new PortBook();
  const port = await ports.claim('api', { asked: null, preferred: taken, isOwn: false });
  expect(port).toBeGreaterThan(taken);
  expect(await ports.claim('api', { asked: null, preferred: taken, isOwn: false })).toBe(port);
  expect(await ports.claim('temporal', { asked: null, preferred: port, isOwn: false })).not.toBe(port);
});

test('a taken port that was asked for is an error with its name and its holder', async () => {
  const claim = new PortBook().claim('api', { asked: taken, preferred: 7800, isOwn: false });
  const error: unknown = await claim.catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(MurnauError);
  expect(error).toMatchObject({ code: 'setup.port_taken' });
  expect((error as Error).message).toContain(`Port ${taken}`);
  if (process.platform === 'linux') expect((error as Error).message).toContain(`process ${process.pid}`);
});

test('the port of a process of ours is ours though it is taken', async () => {
  const ports = new PortBook();
  ports.keep('api', taken);
  expect(await ports.claim('api', { asked: null, preferred: 7800, isOwn: true })).toBe(taken);
  expect(await ports.claim('api', { asked: null, preferred: 7800, isOwn: false })).not.toBe(taken);
});

test('the search for a free port passes over those that browsers refuse, where pages are served', async () => {
  const ports = new PortBook();
  const claim = { asked: null, preferred: 6665, isOwn: false };
  expect(await ports.claim('api', { ...claim, isWeb: true })).toBeGreaterThanOrEqual(6670);
  expect(await ports.claim('temporal', claim)).toBeLessThan(6670);
});

test('another port that is asked for takes the place of the one before once that is left', async () => {
  const ports = new PortBook();
  const before = await ports.claim('api', { asked: null, preferred: 7800, isOwn: false });
  const asked = await new PortBook().claim('api', { asked: null, preferred: before + 1, isOwn: false });
  expect(await ports.claim('api', { asked, preferred: 7800, isOwn: true })).toBe(before);
  expect(await ports.claim('api', { asked, preferred: 7800, isOwn: false })).toBe(asked);
});
