import { describe, expect, it } from 'vitest';
import { frameChange } from './screen.js';

/** What a terminal shows after the text: understands what `frameChange` writes and nothing else. */
function show(screen: string[], text: string): string[] {
  const rows = [...screen];
  let row = screen.length;
  let line = '';
  let isWriting = false;
  for (const [token] of text.matchAll(/\u001b\[\??\d*[A-Za-z]|\r|\n|[^\u001b\r\n]+/g)) {
    if (token === '\r') [line, isWriting] = ['', true];
    else if (token.endsWith('A') && token.startsWith('\u001b')) row -= Number(token.slice(2, -1));
    else if (token === '\u001b[K') rows[row] = line;
    else if (token === '\u001b[J') rows.length = row;
    else if (token === '\n') {
      row += 1;
      isWriting = false;
    } else if (!token.startsWith('\u001b') && isWriting) line = token;
  }
  expect(row).toBe(rows.length);
  return rows;
}

describe('frameChange', () => {
  const frames = [
    ['a', 'b', 'c'],
    ['a', 'B', 'c'],
    ['a', 'B', 'c', 'd'],
    ['x'],
    ['x', 'y'],
    ['x', 'y'],
    [],
    ['z'],
  ];

  it('shows each frame in the place of the last', () => {
    let screen: string[] = [];
    let previous: string[] = [];
    for (const frame of frames) {
      screen = show(screen, frameChange(previous, frame));
      expect(screen).toEqual(frame);
      previous = frame;
    }
  });

  it('writes nothing when nothing changes, and only the lines that do', () => {
    expect(frameChange(['a', 'b'], ['a', 'b'])).toBe('');
    expect(frameChange(['first', 'b', 'last'], ['first', 'c', 'last'])).not.toMatch(/first|last/);
  });
});
