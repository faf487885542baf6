import type { Command } from 'commander';
import { MurnauError } from '@murnau/domain';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import type { Context } from '../../core/context.js';
import { exitCodes } from '../../core/exit-codes.js';
import { pad } from '../../output/text.js';

/** One finding of the doctor. */
export interface Finding {
  readonly part: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do about it. */
  readonly mend?: string | undefined;
}

export function register(command: Command, host: Host): void {
  action(command, host, async (context) => {
    const findings = [...(await localFindings(context)), ...(await serverFindings(context))];
    const isWell = findings.every(({ ok }) => ok);
    context.result({ ok: isWell, checks: findings }, () => {
      for (const line of findingLines(findings, context)) context.io.out.line(context.spell(line));
    });
    context.say(isWell ? 'Everything that was checked is well.' : 'Mend what is marked ✗ from the top down.');
    return isWell ? exitCodes.done : exitCodes.failed;
  });
}

/** Another server's parts are its own business. */
async function localFindings(context: Context): Promise<Finding[]> {
  if (context.environment.server !== undefined) return [];
  const { checkStack } = await import('@murnau/stack');
  return checkStack({ home: context.environment.home });
}

async function serverFindings(context: Context): Promise<Finding[]> {
  try {
    const { parts } = await context.client().status();
    return parts.map(({ name, ok, detail }) => ({ part: `api: ${name}`, ok, detail }));
  } catch (error) {
    if (!(error instanceof MurnauError)) throw error;
    return [{ part: 'api', ok: false, detail: error.message, mend: error.kind.nextStep }];
  }
}

function findingLines(findings: readonly Finding[], { io }: Pick<Context, 'io'>): string[] {
  const { colours } = io.out;
  const width = Math.max(0, ...findings.map(({ part }) => part.length));
  return findings.flatMap(({ part, ok, detail, mend }) => [
    `${ok ? colours.green('✓') : colours.red('✗')} ${pad(part, width)}  ${detail}`,
    ...(ok || mend === undefined ? [] : [`  ${' '.repeat(width)}  → ${mend}`]),
  ]);
}
