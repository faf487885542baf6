/** Messages that wait to be sent: an async iterable that is pushed to. One reader. */
export class MessageQueue<Message> implements AsyncIterable<Message> {
  private readonly waiting: Message[] = [];
  private wake: (() => void) | undefined;
  private ended = false;

  get length(): number {
    return this.waiting.length;
  }

  push(message: Message): void {
    if (this.ended) return;
    this.waiting.push(message);
    this.wake?.();
  }

  end(): void {
    this.ended = true;
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    for (;;) {
      const message = this.waiting.shift();
      if (message !== undefined) yield message;
      else if (this.ended) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
