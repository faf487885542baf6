/** The phases of runs, sweeps and generations, and what follows from them: the one place that says what is over. Loads no schema: workflows read it. */

/** `waiting`: at a rung of successive halving, with no open workflow; it holds nothing. */
export const runPhases = [
  'queued',
  'running',
  'waiting',
  'paused',
  'finished',
  'failed',
  'cancelled',
] as const;
export const sweepPhases = ['running', 'paused', 'finished', 'failed', 'cancelled'] as const;
export const generationPhases = ['queued', 'running', 'finished', 'failed', 'cancelled'] as const;
export type RunPhase = (typeof runPhases)[number];
export type SweepPhase = (typeof sweepPhases)[number];
export type GenerationPhase = (typeof generationPhases)[number];

/** The same for runs, sweeps and generations. */
export const endedPhases = ['finished', 'failed', 'cancelled'] as const;
export type EndedPhase = (typeof endedPhases)[number];

export const isEnded = (phase: string): phase is EndedPhase =>
  (endedPhases as readonly string[]).includes(phase);
export const isOpen = (phase: string): boolean => !isEnded(phase);

/** Phases in which the workflow of a row is open, once it was started. */
export const runPhasesWithWorkflow = ['queued', 'running', 'paused'] as const satisfies readonly RunPhase[];
export const sweepPhasesWithWorkflow = ['running', 'paused'] as const satisfies readonly SweepPhase[];
export const generationPhasesWithWorkflow = [
  'queued',
  'running',
] as const satisfies readonly GenerationPhase[];

/** Whether the workflow of a run in this phase is open, once it was started. */
export const hasWorkflow = (phase: RunPhase): boolean =>
  (runPhasesWithWorkflow as readonly string[]).includes(phase);

/** Trials of a sweep by what may be done with them. */
export interface TrialCounts {
  /** Planned, or to go on, with no workflow yet. */
  readonly to_start: number;
  /** Of these, the ones that go on from a stored step. */
  readonly resumed: number;
  /** With a workflow that is to train: they fill the window. */
  readonly open: number;
  /** Paused by a person: they leave their place to others. */
  readonly held: number;
  /** At a rung. */
  readonly waiting: number;
  readonly finished: number;
  readonly failed: number;
  readonly cancelled: number;
}

/** No trial has anything left to do. */
export const hasSettled = ({
  to_start,
  open,
  held,
  waiting,
}: Pick<TrialCounts, 'to_start' | 'open' | 'held' | 'waiting'>): boolean =>
  to_start + open + held + waiting === 0;

/** How a sweep ends by itself: it failed only if nothing came of it. Undefined: it goes on. */
export function settledPhase(counts: TrialCounts): EndedPhase | undefined {
  if (!hasSettled(counts)) return undefined;
  if (counts.finished > 0) return 'finished';
  return counts.failed > 0 ? 'failed' : 'cancelled';
}
