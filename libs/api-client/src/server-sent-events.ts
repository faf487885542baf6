/** One message of an event stream (HTML standard, 9.2.6). */
export interface ServerSentEvent {
  /** That of the message or of the last one before it that had one. */
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Messages of a response's body until it ends. */
export async function* readEventStream(
  body: ReadableStream<Uint8Array>,
  onActivity: () => void = () => {},
): AsyncGenerator<ServerSentEvent> {
  // Only what follows a stream waits for it.
  const { createParser } = await import('eventsource-parser');
  const complete: ServerSentEvent[] = [];
  let lastId = '';
  const parser = createParser({
    onEvent: ({ id = lastId, event = 'message', data }) => {
      lastId = id;
      complete.push({ id, event, data });
    },
  });
  const decoder = new TextDecoder();
  for await (const piece of body as unknown as AsyncIterable<Uint8Array>) {
    onActivity();
    parser.feed(decoder.decode(piece, { stream: true }));
    yield* complete.splice(0);
  }
}
