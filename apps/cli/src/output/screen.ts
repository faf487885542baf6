import type { Output } from '../core/io.js';
import { truncate } from './text.js';

const up = (lines: number): string => (lines > 0 ? `\u001b[${lines}A` : '');
const clearLine = '\u001b[K';
const clearBelow = '\u001b[J';
const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';
// Terminals that know synchronised output show a frame at once; others ignore it.
const beginFrame = '\u001b[?2026h';
const endFrame = '\u001b[?2026l';

/**
 * The text that turns one frame into the next, the cursor being below the frame before and after.
 * Lines that stay the same are passed over, so nothing flickers.
 */
export function frameChange(previous: readonly string[], next: readonly string[]): string {
  let first = 0;
  while (first < previous.length && first < next.length && previous[first] === next[first]) first += 1;
  if (first === previous.length && first === next.length) return '';
  let text = up(previous.length - first);
  for (let row = first; row < next.length; row += 1) {
    text +=
      row < previous.length && previous[row] === next[row] ? '\n' : `\r${next[row] ?? ''}${clearLine}\n`;
  }
  if (next.length < previous.length) text += clearBelow;
  return `${beginFrame}${text}${endFrame}`;
}

/** Lines redrawn in place at the bottom of a terminal. */
export class Screen {
  #lines: readonly string[] = [];
  #isOpen = false;
  readonly #output: Output;
  readonly #stopListening: () => void;

  constructor(output: Output) {
    this.#output = output;
    // A narrower terminal wraps what it shows: the old frame is left behind and a new one begun.
    this.#stopListening = output.onResize(() => (this.#lines = []));
  }

  /** Most lines that a frame may have. */
  get height(): number {
    return Math.max(4, this.#output.rows() - 1);
  }

  draw(lines: readonly string[]): void {
    const columns = this.#output.columns();
    const fitting = lines.slice(0, this.height).map((line) => truncate(line, columns));
    const text = frameChange(this.#lines, fitting);
    if (text === '') return;
    this.#output.write(this.#isOpen ? text : `${hideCursor}${text}`);
    this.#isOpen = true;
    this.#lines = fitting;
  }

  /** Writes lines that stay, above the frame. */
  above(lines: readonly string[]): void {
    const frame = this.#lines;
    this.#output.write(`${up(frame.length)}\r${clearBelow}${lines.map((line) => `${line}\n`).join('')}`);
    this.#lines = [];
    this.draw(frame);
  }

  /** Leaves the last frame, or with `clear` nothing, and gives the cursor back. */
  close({ clear = false } = {}): void {
    if (clear && this.#lines.length > 0) this.#output.write(`${up(this.#lines.length)}\r${clearBelow}`);
    if (this.#isOpen) this.#output.write(showCursor);
    this.#isOpen = false;
    this.#lines = [];
    this.#stopListening();
  }
}
