import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LiveMessage } from '@murnau/api-client';
import type { Generation } from '@murnau/domain';
import type { Context } from '../core/context.js';
import type { Interrupt } from '../core/interrupt.js';
import { writeFileTo } from '../output/files.js';
import { bar } from '../output/bar.js';
import { Screen } from '../output/screen.js';
import { fileBase } from './save-generation.js';

/** What a person sees of a generation on its way: a bar on a terminal, notices and where the preview lies anywhere. */
class Progress {
  private readonly screen: Screen | undefined;
  private readonly told = new Set<string>();
  private doing = '';
  private previewHash: string | null = null;
  private previewPath: string | undefined;
  latest: Generation;

  constructor(
    private readonly context: Context,
    started: Generation,
    private readonly folder: string,
  ) {
    const { err } = context.io;
    this.latest = started;
    this.screen = err.isLive && !context.isJson ? new Screen(err) : undefined;
  }

  async take(message: LiveMessage): Promise<void> {
    if (message.kind === 'event' && message.event.kind === 'progress') {
      const { doing } = message.event.data;
      if (typeof doing === 'string') this.doing = doing;
    }
    if (message.kind === 'generation') {
      this.latest = message.generation;
      this.tell(this.latest.notices.map((notice) => `Note: ${notice}`));
      await this.showPreview();
    }
    const { progress, phase } = this.latest;
    const share = `${String(Math.round(progress * 100)).padStart(3)} %`;
    this.screen?.draw([`${bar(progress, 30)} ${share}  ${this.doing === '' ? phase : this.doing}`]);
  }

  /** Each line once, above the bar. */
  tell(lines: readonly string[]): void {
    for (const line of lines) {
      if (this.told.has(line)) continue;
      this.told.add(line);
      if (this.screen === undefined) this.context.say(line);
      else this.screen.above([line]);
    }
  }

  private async showPreview(): Promise<void> {
    const { preview_hash: hash } = this.latest;
    if (hash === null || hash === this.previewHash) return;
    this.previewHash = hash;
    const path = join(this.folder, `${fileBase(this.latest)}-preview.png`);
    try {
      await writeFileTo(path, await this.context.client().blob(hash));
    } catch {
      // A newer preview has taken its place meanwhile.
      return;
    }
    this.previewPath = path;
    this.tell([`Preview: ${path}`]);
  }

  async close(): Promise<void> {
    this.screen?.close({ clear: true });
    if (this.previewPath !== undefined) await rm(this.previewPath, { force: true });
  }
}

/**
 * Follows a generation to its end; notices go to stderr.
 * @param folder where the newest preview lies meanwhile
 * @param interrupt of the command that has started it
 * @returns undefined when interrupted
 */
export async function followGeneration(
  context: Context,
  started: Generation,
  folder: string,
  interrupt: Interrupt,
): Promise<Generation | undefined> {
  const progress = new Progress(context, started, folder);
  try {
    const messages = context.client().follow('generations', started.id, { signal: interrupt.signal });
    for await (const message of messages) await progress.take(message);
    if (interrupt.signal.aborted) return undefined;
    const generation = await context.client().generation(started.id);
    progress.tell(generation.notices.map((notice) => `Note: ${notice}`));
    return generation;
  } finally {
    await progress.close();
    interrupt.release();
  }
}
