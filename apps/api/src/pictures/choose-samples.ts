import { isOpen } from '@murnau/domain';
import type { Run, Sample } from '@murnau/domain';

/** Which pictures of a run stand for it, on pages and in contact sheets alike. */

export const ofKind = (samples: readonly Sample[], kind: Sample['kind']): Sample[] =>
  samples.filter((sample) => sample.kind === kind);

/** The first final one, else the first of the newest step. */
export function coverOf(samples: readonly Sample[]): string | undefined {
  const first = (kind: Sample['kind']): Sample | undefined =>
    ofKind(samples, kind)
      .filter(({ position }) => position === 0)
      .at(-1);
  return (first('final') ?? first('progress'))?.hash;
}

/**
 * Pictures of a sweep's trials that may stand in one column: the same prompts and seeds in each. While trials are under
 * way, the newest on the way of each; at the end, the final ones.
 */
export function comparable(
  runs: readonly Run[],
  samplesOf: (runId: string) => readonly Sample[],
): { run: Run; pictures: Sample[] }[] {
  const isUnderWay = runs.some(({ phase }) => isOpen(phase));
  const kinds = isUnderWay ? (['progress', 'final'] as const) : (['final', 'progress'] as const);
  const kind = kinds.find((one) => runs.some(({ id }) => ofKind(samplesOf(id), one).length > 0));
  return runs.flatMap((run) => {
    const pictures = kind === undefined ? [] : ofKind(samplesOf(run.id), kind);
    const newest = Math.max(...pictures.map(({ step }) => step));
    return pictures.length === 0 ? [] : [{ run, pictures: pictures.filter(({ step }) => step === newest) }];
  });
}

/** The steps at which pictures were drawn on the way, rising. */
export const sampledSteps = (samples: readonly Sample[]): number[] =>
  [...new Set(ofKind(samples, 'progress').map(({ step }) => step))].sort((a, b) => a - b);

/** At most `most` of these, evenly spread, first and last among them. */
export function spread(steps: readonly number[], most: number): number[] {
  if (steps.length <= most) return [...steps];
  const chosen = Array.from({ length: most }, (_, index) =>
    Math.round((index * (steps.length - 1)) / (most - 1)),
  );
  return chosen.flatMap((index) => steps[index] ?? []);
}

/** The names of parameters whose value is not the same in every trial. */
export function varyingParameters(runs: readonly Run[]): string[] {
  const names = [...new Set(runs.flatMap(({ parameters }) => Object.keys(parameters)))];
  const varying = names.filter((name) => new Set(runs.map(({ parameters }) => parameters[name])).size > 1);
  return varying.length > 0 ? varying : names.slice(0, 2);
}

/** The sweep's metric is judged by its best certified value; other metrics by their newest. */
export const valueOf = ({ best, metrics }: Run, name: string): number | undefined =>
  best?.name === name ? best.value : metrics[name];
