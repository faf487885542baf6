import { idPattern, MurnauError } from '@murnau/domain';
import type { ErrorCode, Run, Sweep } from '@murnau/domain';
import type { Context } from './context.js';

/** A name is looked for among so many of the newest. */
const mostLookedAt = 1000;

/** @throws MurnauError `run.not_found`, which says what has the given text as its name */
export const findRun = (context: Context, id: string): Promise<Run> =>
  found(context.client().run(id), id, {
    noun: 'run',
    code: 'run.not_found',
    newest: () => context.client().runs({ limit: mostLookedAt }),
  });

/** @throws MurnauError `sweep.not_found`, likewise */
export const findSweep = (context: Context, id: string): Promise<Sweep> =>
  found(context.client().sweep(id), id, {
    noun: 'sweep',
    code: 'sweep.not_found',
    newest: () => context.client().sweeps({ limit: mostLookedAt }),
  });

interface Kind {
  readonly noun: string;
  readonly code: ErrorCode;
  readonly newest: () => AsyncIterable<{ readonly id: string; readonly name: string }>;
}

async function found<Item>(answer: Promise<Item>, text: string, { noun, code, newest }: Kind): Promise<Item> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof MurnauError) || error.code !== code || idPattern.test(text)) throw error;
    const ids: string[] = [];
    for await (const { id, name } of newest()) if (name === text) ids.push(id);
    const [first] = ids;
    if (first === undefined) throw error;
    const which = ids.length === 1 ? `it is ${first}` : `${ids.length} have it, the newest is ${first}`;
    throw new MurnauError(code, `an id is meant, and "${text}" is the name of a ${noun}: ${which}`, {
      given: text,
      allowed: 'an id of 8 hexadecimal digits, or 4 or more of its beginning',
      cause: error,
    });
  }
}
