import { describe, expect, it } from 'vitest';
import { EventStreamParser } from './server-sent-events.js';

const stream =
  ': alive\r\nid: 7\r\nevent: run\r\ndata: {"a":\r\ndata: 1}\r\n\r\ndata: x\n\n\n\nid\ndata:y\n\n';
const expected = [
  { id: '7', event: 'run', data: '{"a":\n1}' },
  { id: '7', event: 'message', data: 'x' },
  { id: '', event: 'message', data: 'y' },
];

describe('EventStreamParser', () => {
  it('reads the same messages however the text is cut', () => {
    for (let size = 1; size <= stream.length; size += 1) {
      const parser = new EventStreamParser();
      const events = [];
      for (let start = 0; start < stream.length; start += size) {
        events.push(...parser.push(stream.slice(start, start + size)));
      }
      expect(events).toEqual(expected);
    }
  });
});
