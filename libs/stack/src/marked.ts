import { readFile } from 'node:fs/promises';
import { findByEnvironment, type ProcessIdentity } from '@murnau/supervisor';

const stackMark = 'MURNAU_STACK';
const partMark = 'MURNAU_PART';

/** Environment variables that mark every process of a stack, and its children. */
export const marksOf = (home: string, part: string): Record<string, string> => ({
  [stackMark]: home,
  [partMark]: part,
});

export interface MarkedProcess {
  identity: ProcessIdentity;
  /** The part that it is, or that started it; empty where nothing tells. */
  part: string;
}

/** First what starts others again; the database last, so that whatever uses it has ended. */
const orderOf = (part: string): number => {
  const place = ['guard', 'supervisor'].indexOf(part);
  if (place >= 0) return place;
  return part === 'postgres' ? 3 : 2;
};

/** Every process of the stack of this home, whatever its files say, in the order of stopping, without this process. */
export async function findMarked(home: string): Promise<MarkedProcess[]> {
  const identities = await findByEnvironment(stackMark, home);
  const marked = await Promise.all(
    identities
      .filter(({ pid }) => pid !== process.pid)
      .map(async (identity) => ({ identity, part: await partOf(identity.pid) })),
  );
  return marked.sort((a, b) => orderOf(a.part) - orderOf(b.part));
}

async function partOf(pid: number): Promise<string> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  const entry = environment.split('\0').find((line) => line.startsWith(`${partMark}=`));
  return entry?.slice(partMark.length + 1) ?? '';
}
