import type { RunPhase, SweepPhase } from '@murnau/domain';

/** Documented in docs/cli.md. */
export const exitCodes = {
  done: 0,
  usage: 2,
  failed: 100,
  detached: 101,
  notFound: 102,
  cancelled: 103,
  interrupted: 130,
} as const;
type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const failOn = ['any', 'all'] as const;
export type FailOn = (typeof failOn)[number];

export function runExitCode(phase: RunPhase): ExitCode {
  if (phase === 'finished') return exitCodes.done;
  if (phase === 'failed') return exitCodes.failed;
  if (phase === 'cancelled') return exitCodes.cancelled;
  return exitCodes.detached;
}

/** @param counts number of trials by phase. */
export function sweepExitCode(
  phase: SweepPhase,
  counts: Readonly<Record<string, number>>,
  rule: FailOn,
): ExitCode {
  if (phase === 'running' || phase === 'paused') return exitCodes.detached;
  if (phase === 'cancelled') return exitCodes.cancelled;
  const failed = counts['failed'] ?? 0;
  const finished = counts['finished'] ?? 0;
  if (rule === 'all') return finished === 0 ? exitCodes.failed : exitCodes.done;
  return phase === 'failed' || failed > 0 ? exitCodes.failed : exitCodes.done;
}
