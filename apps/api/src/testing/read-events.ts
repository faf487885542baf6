import { get } from 'node:http';

export interface Frame {
  event: string;
  data: Record<string, unknown>;
  id: string | undefined;
}

export interface EventReader {
  frames: Frame[];
  status: number;
  /** Resolves when `wanted` is true of the frames; rejects after `timeoutMs`. */
  until(wanted: (frames: readonly Frame[]) => boolean, timeoutMs?: number): Promise<void>;
  /** Resolves when the server has ended the stream. */
  ended: Promise<void>;
  close(): void;
}

/** Reads a stream of server-sent events as it comes. */
export function readEvents(url: string, headers: Record<string, string>): Promise<EventReader> {
  const frames: Frame[] = [];
  const listeners = new Set<() => void>();
  return new Promise((resolve, reject) => {
    const request = get(url, { headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        frames.push(...blocks.flatMap(toFrame));
        for (const listener of listeners) listener();
      });
      const ended = new Promise<void>((done) => response.on('close', done));
      resolve({
        frames,
        status: response.statusCode ?? 0,
        ended,
        close: () => request.destroy(),
        until: (wanted, timeoutMs = 30_000) =>
          new Promise((done, fail) => {
            const check = (): void => {
              if (!wanted(frames)) return;
              stop();
              done();
            };
            const timer = setTimeout(() => {
              stop();
              fail(new Error(`not seen in time; last: ${JSON.stringify(frames.slice(-3))}`));
            }, timeoutMs);
            const stop = (): void => {
              clearTimeout(timer);
              listeners.delete(check);
            };
            listeners.add(check);
            check();
          }),
      });
    });
    request.on('error', reject);
  });
}

function toFrame(block: string): Frame[] {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) fields.set(name, value ?? '');
  }
  const data = fields.get('data');
  if (data === undefined) return [];
  return [
    {
      event: fields.get('event') ?? 'message',
      data: JSON.parse(data) as Frame['data'],
      id: fields.get('id'),
    },
  ];
}
