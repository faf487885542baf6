import type { SweepRow } from '@murnau/contracts';
import { roundedMetric } from '@murnau/contracts';
import type { Run } from '@murnau/domain';

/** @param best absent: none has a score */
export function sweepRow(phase: SweepRow['MurnauPhase'], best: Run | undefined): SweepRow {
  return {
    MurnauPhase: phase,
    MurnauStep: best?.certified_step ?? null,
    MurnauEvalLoss: roundedMetric(best?.metrics['eval_loss']),
    MurnauImageAlignment: roundedMetric(best?.metrics['image_alignment']),
  };
}
