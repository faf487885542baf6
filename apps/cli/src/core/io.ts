import pico from 'picocolors';
import type { Environment } from '../env.js';

export type Colours = ReturnType<typeof pico.createColors>;

/** One of the two streams that a command writes to. */
export interface Output {
  readonly write: (text: string) => void;
  readonly line: (text?: string) => void;
  readonly colours: Colours;
  /** Whether lines may be redrawn in place. */
  readonly isLive: boolean;
  readonly isTerminal: boolean;
  readonly columns: () => number;
  readonly rows: () => number;
  /** Called when the terminal's size changes, until the returned function is called. */
  readonly onResize: (listener: () => void) => () => void;
}

export interface Io {
  /** Data only. */
  readonly out: Output;
  /** What is meant for a person. */
  readonly err: Output;
}

type Stream = Pick<NodeJS.WriteStream, 'write'> & Partial<NodeJS.WriteStream>;

export function createOutput(stream: Stream, environment: Pick<Environment, 'colour' | 'canRedraw'>): Output {
  const isTerminal = stream.isTTY === true;
  const isColoured =
    environment.colour === 'always' || (environment.colour === 'auto' && isTerminal && environment.canRedraw);
  const write = (text: string): void => void stream.write(text);
  return {
    write,
    line: (text = '') => write(`${text}\n`),
    colours: pico.createColors(isColoured),
    isLive: isTerminal && environment.canRedraw,
    isTerminal,
    // A terminal that does not know its size says 0.
    columns: () => stream.columns || 100,
    rows: () => stream.rows || 24,
    onResize: (listener) => {
      stream.on?.('resize', listener);
      return () => stream.off?.('resize', listener);
    },
  };
}
