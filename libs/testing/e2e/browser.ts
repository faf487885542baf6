import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';

const shownText = `[
  document.body?.innerText,
  ...[...document.querySelectorAll('iframe')].map(({ src }) => decodeURIComponent(src)),
].join()`;
/** From a text's being there to its being drawn. */
const drawnAfterMs = 1_500;

interface Answer {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** Chromium without a window, told what to do in its own protocol over a pipe: no driver is needed. */
export class Browser {
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private count = 0;
  private session: string | undefined;

  private constructor(
    private readonly program: ChildProcess,
    private readonly profile: string,
    private readonly orders: Writable,
    answers: Readable,
  ) {
    let text = '';
    answers.setEncoding('utf8').on('data', (chunk: string) => {
      const messages = (text + chunk).split('\0');
      text = messages.pop() ?? '';
      for (const message of messages) {
        const answer = JSON.parse(message) as Answer;
        if (answer.id !== undefined) this.waiting.get(answer.id)?.(answer);
      }
    });
  }

  /** @param size of its page, in pixels */
  static async open(
    size: { readonly width: number; readonly height: number },
    command = 'chromium',
  ): Promise<Browser> {
    const profile = await mkdtemp(join(tmpdir(), 'murnau-browser-'));
    const program = spawn(
      command,
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--hide-scrollbars',
        '--remote-debugging-pipe',
        `--user-data-dir=${profile}`,
      ],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
    );
    const [, , , orders, answers] = program.stdio;
    const browser = new Browser(program, profile, orders as Writable, answers as Readable);
    const { targetId } = await browser.tell('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.tell('Target.attachToTarget', { targetId, flatten: true });
    browser.session = String(sessionId);
    await browser.tell('Emulation.setDeviceMetricsOverride', {
      ...size,
      deviceScaleFactor: 1,
      mobile: false,
    });
    return browser;
  }

  async tell(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = (this.count += 1);
    const answer = await new Promise<Answer>((resolve) => {
      this.waiting.set(id, resolve);
      const { session: sessionId } = this;
      this.orders.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
    this.waiting.delete(id);
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result ?? {};
  }

  /** What a person would type into the page's console. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = (await this.tell('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })) as { result: { value?: unknown }; exceptionDetails?: unknown };
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return result.value;
  }

  /** Opens a page and waits until it, or a frame of it (the Temporal UI draws Markdown in those), shows a text. */
  async go(url: string, text: string, timeoutMs = 30_000): Promise<void> {
    await this.tell('Page.navigate', { url });
    const deadline = performance.now() + timeoutMs;
    while (performance.now() < deadline) {
      await sleep(200);
      const shown = await this.evaluate(shownText).catch(() => '');
      if (!String(shown).includes(text)) continue;
      await sleep(drawnAfterMs);
      return;
    }
    throw new Error(`${url} does not show "${text}"`);
  }

  async picture(file: string): Promise<void> {
    const { data } = await this.tell('Page.captureScreenshot', { format: 'png' });
    // Pages of flat colours: a palette makes a third of it.
    await sharp(Buffer.from(String(data), 'base64'))
      .png({ palette: true, quality: 90 })
      .toFile(file);
  }

  async close(): Promise<void> {
    this.program.kill('SIGKILL');
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
