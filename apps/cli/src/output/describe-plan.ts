import { expectedPictures } from '@murnau/domain';
import type { PlannedTrial, Worker } from '@murnau/domain';
import type { Context } from '../core/context.js';
import { shortName } from '../watch/run-line.js';
import { bytes, duration, parameter, plural } from './format.js';
import { tableLines } from './table.js';
import type { Column } from './table.js';

interface PlanEstimate {
  readonly trials: number;
  readonly steps: number;
  readonly pictures: number;
  /** Workers online that serve the model and have taken steps. */
  readonly measured_workers: number;
  /** Mean of the measured workers. Undefined while there is none. */
  readonly steps_per_second: number | undefined;
  /** Time of all steps on one such worker, without pictures. Undefined while none has been measured. */
  readonly device_seconds: number | undefined;
  readonly disk_bytes: number;
}

/** A checkpoint is two rows with their moments and averages; a small picture as PNG is a few kilobytes. */
const bytesPerCheckpoint = 64_000;
const bytesPerPixel = 2;

/** @param workers those of the server; empty when it was not asked. */
export function estimate(trials: readonly PlannedTrial[], workers: readonly Worker[]): PlanEstimate {
  const steps = trials.reduce((sum, { spec }) => sum + spec.max_steps, 0);
  const pictures = trials.reduce((sum, { spec }) => sum + expectedPictures(spec), 0);
  const model = trials[0]?.spec.model ?? '';
  const serving = workers.filter(
    ({ state, models }) => state === 'online' && models.some(({ name }) => name === model),
  );
  const rates = serving.map((worker) => worker.steps_per_second).filter((rate) => rate > 0);
  const perSecond = rates.length > 0 ? rates.reduce((sum, rate) => sum + rate, 0) / rates.length : undefined;
  const side = serving[0]?.models.find(({ name }) => name === model)?.image_size ?? 64;
  const checkpoints = trials.reduce(
    (sum, { spec }) => sum + Math.ceil(spec.max_steps / spec.checkpoint.every_steps),
    0,
  );
  return {
    trials: trials.length,
    steps,
    pictures,
    measured_workers: rates.length,
    steps_per_second: perSecond,
    device_seconds: perSecond === undefined ? undefined : steps / perSecond,
    disk_bytes: checkpoints * bytesPerCheckpoint + pictures * side * side * bytesPerPixel,
  };
}

export function describePlan(context: Context, trials: readonly PlannedTrial[], plan: PlanEstimate): void {
  const { out } = context.io;
  const names = [...new Set(trials.flatMap(({ parameters }) => Object.keys(parameters)))];
  const columns: Column<PlannedTrial>[] = [
    { title: 'trial', align: 'right', cell: ({ trial }) => String(trial) },
    ...names.map((name) => ({
      title: shortName(name),
      // A parameter that takes no part in this trial.
      cell: ({ parameters }: PlannedTrial) => parameter(parameters[name] ?? '–'),
    })),
    { title: 'steps', align: 'right', cell: ({ spec }) => String(spec.max_steps) },
  ];
  for (const line of tableLines(trials, columns, out.colours)) out.line(line);
  const { device_seconds: seconds, steps_per_second: rate, measured_workers: measured } = plan;
  const model = trials[0]?.spec.model ?? '';
  const time =
    seconds === undefined || rate === undefined
      ? `device time unknown: no worker that serves ${model} has been measured yet`
      : `about ${duration(seconds)} of device time without pictures (${parameter(rate)} steps/s, measured on ${plural(measured, 'worker')})`;
  context.say(
    `${plural(plan.trials, 'trial')}, ${plural(plan.steps, 'step')}, ${plural(plan.pictures, 'picture')}; ${time}; at most ${bytes(plan.disk_bytes)} of disk.`,
  );
}
