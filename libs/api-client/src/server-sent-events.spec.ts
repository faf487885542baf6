import { describe, expect, it } from 'vitest';
import { readEventStream } from './server-sent-events.js';

const stream =
  ': alive\r\nid: 7\r\nevent: run\r\ndata: {"a":\r\ndata: 1}\r\n\r\ndata: x\n\n\n\nid\ndata:y\n\n';
const expected = [
  { id: '7', event: 'run', data: '{"a":\n1}' },
  { id: '7', event: 'message', data: 'x' },
  { id: '', event: 'message', data: 'y' },
];

describe('readEventStream', () => {
  it('reads the same messages however the text is cut', async () => {
    for (let size = 1; size <= stream.length; size += 1) {
      const pieces = Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
        new TextEncoder().encode(stream.slice(index * size, (index + 1) * size)),
      );
      const events = [];
      for await (const event of readEventStream(ReadableStream.from(pieces))) events.push(event);
      expect(events).toEqual(expected);
    }
  });
});
