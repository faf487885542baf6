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

/** A run's final pictures, else its newest on the way: by spec the same prompts and seeds in every trial of a sweep. */
export function comparable(samples: readonly Sample[]): Sample[] {
  const final = ofKind(samples, 'final');
  if (final.length > 0) return final;
  const progress = ofKind(samples, 'progress');
  const newest = Math.max(...progress.map(({ step }) => step));
  return progress.filter(({ step }) => step === newest);
}

/** The steps at which pictures were drawn on the way: at most `most`, evenly spread, first and last among them. */
export function sampledSteps(samples: readonly Sample[], most = Number.POSITIVE_INFINITY): number[] {
  const steps = [...new Set(ofKind(samples, 'progress').map(({ step }) => step))].sort((a, b) => a - b);
  if (steps.length <= most) return steps;
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
