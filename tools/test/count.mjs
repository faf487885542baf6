// Sums what vitest, pytest and our own lint print: their closing lines are the only thing that nx's cache gives back.
// eslint-disable-next-line no-control-regex
const colour = /\u001b\[[0-9;]*[A-Za-z]/g;

/** nx names the project before each line that it did not take from its cache. */
const project = /^(?:@[\w-]+\/)?[\w-]+:\s+/;

const numberBefore = (text, word) => {
  const found = new RegExp(`(\\d+) ${word}`).exec(text);
  return found ? Number(found[1]) : 0;
};

/**
 * @param {string} output of any number of runners
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function countTests(output) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const raw of output.replace(colour, '').split('\n')) {
    const line = raw.trim().startsWith('lint: ') ? raw.trim() : raw.trim().replace(project, '');
    const vitest = /^Tests {2}(.*)\(\d+\)$/.exec(line);
    const pytest = /^=*\s?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s/.exec(line);
    const lint = /^lint: (.*)$/.exec(line);
    const summary = vitest?.[1] ?? pytest?.[1] ?? lint?.[1];
    if (!summary) continue;
    total.passed += numberBefore(summary, 'passed');
    total.failed += numberBefore(summary, 'failed') + numberBefore(summary, 'errors?');
    total.skipped += numberBefore(summary, 'skipped');
  }
  return total;
}
