import { z } from 'zod';

/** Timesteps of the prior's diffusion, which its steps are chosen from. */
const priorTimesteps = 1000;
const mostSections = 100;

const allowed =
  'must be a count from 1 to 1000 ("25"), "ddimN" ("ddim25") or counts of equal sections of the 1000 timesteps ("10,5")';

/** Steps that an even stride over the timesteps gives: what "ddimN" can be. */
const evenCounts = [
  ...new Set(
    Array.from({ length: priorTimesteps - 1 }, (_, index) => Math.ceil(priorTimesteps / (index + 1))),
  ),
];

function problemOfDdim(count: number): string | undefined {
  if (evenCounts.includes(count)) return undefined;
  const near = [...evenCounts].sort((a, b) => Math.abs(a - count) - Math.abs(b - count)).slice(0, 2);
  const choices = near.sort((a, b) => a - b).map((possible) => `ddim${possible}`);
  return `no even stride over ${priorTimesteps} timesteps gives exactly ${count} steps; nearest: ${choices.join(', ')}`;
}

/** Sections are as equal as they can be, the first ones a timestep longer. */
function problemOfSections(counts: readonly number[]): string | undefined {
  if (counts.length > mostSections) return `must have at most ${mostSections} sections`;
  const shortest = Math.floor(priorTimesteps / counts.length);
  const longer = priorTimesteps % counts.length;
  const index = counts.findIndex(
    (count, section) => count < 1 || count > shortest + (section < longer ? 1 : 0),
  );
  if (index < 0) return undefined;
  return counts.length === 1
    ? allowed
    : `section ${index + 1} of ${counts.length} must have 1 to ${shortest + (index < longer ? 1 : 0)} steps`;
}

/** What is wrong with a choice of the prior's steps; undefined: nothing. */
export function priorStepsProblem(text: string): string | undefined {
  const ddim = /^ddim(\d{1,4})$/.exec(text);
  if (ddim !== null) return problemOfDdim(Number(ddim[1]));
  if (!/^\d{1,4}(,\d{1,4})*$/.test(text)) return allowed;
  return problemOfSections(text.split(',').map(Number));
}

/** A count, "ddimN" or sections, as the original's timestep respacing takes them; a number becomes its text. */
export const priorStepsSchema = z
  .union([z.string(), z.number()], { error: allowed })
  .transform(String)
  .pipe(
    z.string().superRefine((text, context) => {
      const problem = priorStepsProblem(text);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    }),
  );
