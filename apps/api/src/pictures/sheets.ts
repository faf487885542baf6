import type { Dataset, Generation, Run, Sample, Sweep } from '@murnau/domain';
import { baselineWordOf, MurnauError, titleOf } from '@murnau/domain';
import type { ContactSheet, ContactSheetRow } from '@murnau/images';
import { number, parameter, words } from '../format.js';
import { comparable, ofKind, sampledSteps, valueOf, varyingParameters } from './choose-samples.js';

/** What goes where on a contact sheet, as hashes; `renderSheet` reads the pictures. */
export interface PlannedSheet extends Omit<ContactSheet, 'rows'> {
  rows: PlannedRow[];
}
interface PlannedRow extends Omit<ContactSheetRow, 'pictures'> {
  hashes: (string | null)[];
}

/** Steps of a run's sheet or strip. */
export const MOST_STEPS = 12;
/** A sheet of more trials is no longer looked at; the best come first. */
export const MOST_TRIALS = 60;
const MOST_PER_TRIAL = 8;
/** Characters of a title that are still read. */
const MOST_TITLE = 200;

/** Samples over at most `MOST_STEPS` steps, one row per seed, then the final pictures against the baselines'. */
export function runSheet(run: Run, samples: readonly Sample[]): PlannedSheet {
  const { spec } = run;
  const steps = sampledSteps(samples);
  const progress = ofKind(samples, 'progress');
  const positions = [...new Set(progress.map(({ position }) => position))].sort((a, b) => a - b);
  const overSteps = positions.map((position): PlannedRow => {
    const ofPosition = progress.filter((sample) => sample.position === position);
    const hashes = steps.map((step) => ofPosition.find((sample) => sample.step === step)?.hash ?? null);
    const [first] = ofPosition;
    return {
      label: first === undefined ? undefined : [first.prompt, `seed ${first.seed}`],
      hashes,
      captions: steps.map((step) => `step ${step}`),
    };
  });
  const kinds: [Sample['kind'], string, string][] = [
    ['final', spec.placeholder_token, 'the learnt word'],
    ['baseline', baselineWordOf(run), 'the best known word alone'],
    ['fuse_baseline', `picture and ${spec.initializer_token}`, 'fused half and half'],
  ];
  const atTheEnd = kinds.flatMap(([kind, word, note]): PlannedRow[] => {
    const pictures = ofKind(samples, kind);
    if (pictures.length === 0) return [];
    const seeds = pictures.map(({ seed }) => `seed ${seed}`);
    return [{ label: [word, note], hashes: pictures.map(({ hash }) => hash), captions: seeds }];
  });
  return refuseEmpty(
    {
      title: run.name,
      subtitle: `${spec.placeholder_token} from ${spec.initializer_token}, ${spec.model}, step ${run.certified_step} of ${spec.max_steps}`,
      wrap: Math.max(8, steps.length),
      rows: [...overSteps, ...atTheEnd],
    },
    `run ${run.id}`,
  );
}

/** The first picture of each sampled step, then the first final one. */
export function runStrip(run: Run, samples: readonly Sample[]): string[] {
  const hashes = samples
    .filter(({ position, kind }) => position === 0 && (kind === 'progress' || kind === 'final'))
    .map(({ hash }) => hash);
  if (hashes.length === 0) throw noPicture(`run ${run.id}`);
  return hashes;
}

/** The best trials, `MOST_TRIALS` at most, side by side: the same prompts and seeds in each column. */
export function sweepSheet(
  sweep: Sweep,
  runs: readonly Run[],
  samplesOf: (runId: string) => readonly Sample[],
): PlannedSheet {
  const { name: metric } = sweep.spec.metric;
  const parameters = varyingParameters(runs);
  const trials = comparable(runs, samplesOf);
  const rows = trials.map(({ run, pictures }): PlannedRow => {
    const value = valueOf(run, metric);
    return {
      label: [
        `trial ${run.trial ?? 0}`,
        ...parameters.map((name) => `${words(name)} ${parameter(run.parameters[name])}`),
        ...(value === undefined ? [] : [`${words(metric)} ${number(value)}`]),
      ],
      hashes: pictures.slice(0, MOST_PER_TRIAL).map(({ hash }) => hash),
    };
  });
  const columns = trials[0]?.pictures.slice(0, MOST_PER_TRIAL) ?? [];
  const prompts = [...new Set(columns.map(({ prompt }) => prompt))];
  return refuseEmpty(
    {
      title: sweep.name,
      subtitle: `${rows.length} of ${sweep.trials} trials, best ${words(metric)} first; ${sweep.spec.model}${legendOf(prompts)}`,
      columns: columns.map(({ seed, prompt }) =>
        prompts.length > 1 ? `${prompts.indexOf(prompt) + 1}, seed ${seed}` : `seed ${seed}`,
      ),
      rows,
    },
    `sweep ${sweep.id}`,
  );
}

/** Which prompt a column's number stands for, where there are several. */
const legendOf = (prompts: readonly string[]): string =>
  prompts.length > 1 ? `; ${prompts.map((prompt, index) => `${index + 1}: ${prompt}`).join('; ')}` : '';

export function generationSheet({ id, request, images }: Generation): PlannedSheet {
  return refuseEmpty(
    {
      title: titleOf(request).slice(0, MOST_TITLE),
      subtitle: `${request.task}, ${request.model}`,
      rows: [{ hashes: images.map(({ hash }) => hash), captions: images.map(({ seed }) => `seed ${seed}`) }],
    },
    `generation ${id}`,
  );
}

export function datasetSheet({ id, name, images }: Dataset): PlannedSheet {
  const row = { hashes: images.map(({ hash }) => hash), captions: images.map((image) => image.name) };
  return refuseEmpty({ title: name, rows: [row] }, `dataset ${id}`);
}

function refuseEmpty(sheet: PlannedSheet, of: string): PlannedSheet {
  if (sheet.rows.every(({ hashes }) => hashes.length === 0)) throw noPicture(of);
  return sheet;
}

const noPicture = (of: string): MurnauError =>
  new MurnauError('sample.not_found', `There is no picture of ${of} yet`, { given: of });
