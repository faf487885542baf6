import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWord } from './shell-word.js';

test('a shell reads a path as it was, and an ordinary one stays as it is', () => {
  expect(shellWord('/data/murnau-1')).toBe('/data/murnau-1');
  for (const path of ['/a b', "it's", '$HOME/`x`', '~/x', 'a\\b"c', '', '#x', '*']) {
    expect(execFileSync('sh', ['-c', `printf %s ${shellWord(path)}`], { encoding: 'utf8' })).toBe(path);
  }
});
