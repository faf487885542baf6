import { type AddressInfo, connect, type Socket } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, expect, it } from 'vitest';
import { EventStream } from './event-stream.js';

const frames = 1_000;
/** 100 MB in all: far more than the kernel keeps for a connection. */
const text = JSON.stringify('x'.repeat(100_000));

let app: FastifyInstance;
let client: Socket;
afterEach(async () => {
  client.destroy();
  await app.close();
});

/** Sends all frames to a client that has not begun to read. @returns how many were sent when it ended, and how */
async function sendAll(
  patienceMs: number,
): Promise<{ sent: Promise<number>; stream: () => EventStream | undefined }> {
  app = Fastify();
  let stream: EventStream | undefined;
  const sent = new Promise<number>((resolve) => {
    app.get('/', async (_request, reply) => {
      stream = new EventStream(reply, patienceMs);
      let count = 0;
      for (; count < frames && stream.isOpen; count += 1) await stream.send('event', text, String(count));
      resolve(count);
      if (stream.isOpen) stream.end();
    });
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  client = connect((app.server.address() as AddressInfo).port);
  client.on('error', () => undefined);
  client.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
  return { sent, stream: () => stream };
}

it('sends no more than a client takes, and cuts off one that takes nothing', async () => {
  const { sent, stream } = await sendAll(300);
  client.pause();
  expect(await sent).toBeLessThan(frames / 3);
  expect(stream()?.isOpen).toBe(false);
});

it('sends everything to one that reads, however late it begins', async () => {
  const { sent } = await sendAll(60_000);
  let bytes = 0;
  setTimeout(() => client.on('data', (piece) => (bytes += piece.length)), 200);
  expect(await sent).toBe(frames);
  await new Promise((resolve) => client.on('close', resolve));
  expect(bytes).toBeGreaterThan(frames * text.length);
});
