import { expect, test } from 'vitest';
import { countTests } from './count.mjs';

test('sums vitest, pytest and lint, through colours and prefixes', () => {
  const output = [
    '\u001b[2m Test Files \u001b[22m \u001b[1m2 passed\u001b[22m (2)',
    '\u001b[2m      Tests \u001b[22m \u001b[31m1 failed\u001b[39m | \u001b[1m11 passed\u001b[22m | 2 skipped (14)',
    '      Tests  3 passed (3)',
    '@murnau/domain:       Tests  4 passed (4)',
    'python-worker: 5 passed, 1 skipped, 2 warnings in 3.21s',
    '======= 1 failed, 2 passed, 1 error in 61.20s (0:01:01) =======',
    'lint: 7 passed, 1 failed',
    'nothing passed here',
  ].join('\n');
  expect(countTests(output)).toEqual({ passed: 11 + 3 + 4 + 5 + 2 + 7, failed: 1 + 1 + 1 + 1, skipped: 3 });
});

test('counts nothing where no runner closed', () => {
  expect(countTests('12 files changed\nTests\n')).toEqual({ passed: 0, failed: 0, skipped: 0 });
});
