import { createInterface } from 'node:readline/promises';
import { MurnauError } from '@murnau/domain';
import type { Context } from './context.js';

const canAsk = ({ isJson, io }: Context): boolean => !isJson && process.stdin.isTTY && io.err.isTerminal;

/** Asks on a terminal; elsewhere, with `-y` and with `--json` the answer is yes. */
export async function confirm(context: Context, question: string): Promise<boolean> {
  return context.isYes || !canAsk(context) || ask(question);
}

/**
 * As `confirm`, for what cannot be undone: where nobody can be asked, the answer has to be given.
 * @throws MurnauError `usage.invalid` without a terminal and without `--yes`
 */
export async function confirmForGood(context: Context, question: string): Promise<boolean> {
  if (context.isYes) return true;
  if (canAsk(context)) return ask(question);
  throw new MurnauError('usage.invalid', `${question} Without a terminal, say so with --yes`, {
    field: '--yes',
    given: 'nothing',
    allowed: '--yes',
  });
}

async function ask(question: string): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`${question} [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
