import { z } from 'zod';

/** The format `timestep-respacing`: which of a diffusion's timesteps are gone through, as the originals say it. */

const mostSections = 100;

const allowedOf = (timesteps: number): string =>
  `must be a count from 1 to ${timesteps} ("25"), "ddimN" ("ddim25") or counts of equal sections of the ${timesteps} timesteps ("10,5")`;

/** Steps that an even stride over the timesteps gives: what "ddimN" can be. */
const evenCounts = (timesteps: number): number[] => [
  ...new Set(Array.from({ length: timesteps - 1 }, (_, index) => Math.ceil(timesteps / (index + 1)))),
];

function problemOfDdim(count: number, timesteps: number): string | undefined {
  const possible = evenCounts(timesteps);
  if (possible.includes(count)) return undefined;
  const near = possible.sort((a, b) => Math.abs(a - count) - Math.abs(b - count)).slice(0, 2);
  const choices = near.sort((a, b) => a - b).map((nearby) => `ddim${nearby}`);
  return `no even stride over ${timesteps} timesteps gives exactly ${count} steps; nearest: ${choices.join(', ')}`;
}

/** Sections are as equal as they can be, the first ones a timestep longer. */
function problemOfSections(counts: readonly number[], timesteps: number): string | undefined {
  if (counts.length > mostSections) return `must have at most ${mostSections} sections`;
  const shortest = Math.floor(timesteps / counts.length);
  const longer = timesteps % counts.length;
  const index = counts.findIndex(
    (count, section) => count < 1 || count > shortest + (section < longer ? 1 : 0),
  );
  if (index < 0) return undefined;
  return counts.length === 1
    ? allowedOf(timesteps)
    : `section ${index + 1} of ${counts.length} must have 1 to ${shortest + (index < longer ? 1 : 0)} steps`;
}

/** What is wrong with a choice of steps; undefined: nothing. */
export function respacingProblem(text: string, timesteps: number): string | undefined {
  const count = `\\d{1,${String(timesteps).length}}`;
  const ddim = new RegExp(`^ddim(${count})$`).exec(text);
  if (ddim !== null) return problemOfDdim(Number(ddim[1]), timesteps);
  if (!new RegExp(`^${count}(,${count})*$`).test(text)) return allowedOf(timesteps);
  return problemOfSections(text.split(',').map(Number), timesteps);
}

/** A count, "ddimN" or sections; a number becomes its text. */
export const respacingSchema = (timesteps: number) =>
  z
    .union([z.string(), z.number()], { error: allowedOf(timesteps) })
    .transform(String)
    .pipe(
      z.string().superRefine((text, context) => {
        const problem = respacingProblem(text, timesteps);
        if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
      }),
    );
