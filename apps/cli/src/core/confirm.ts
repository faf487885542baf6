import { createInterface } from 'node:readline/promises';
import type { Context } from './context.js';

/** Asks on a terminal; elsewhere, with `-y` and with `--json` the answer is yes. */
export async function confirm(context: Context, question: string): Promise<boolean> {
  if (context.isYes || context.isJson || !process.stdin.isTTY || !context.io.err.isTerminal) return true;
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`${question} [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
