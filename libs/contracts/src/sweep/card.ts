import { expectedTrials } from '@murnau/domain';
import type { Sweep } from '@murnau/domain';
import { pairsText, plain } from '../board-text.js';
import { workflowCard } from '../workflow-card.js';
import type { WorkflowCard } from '../workflow-card.js';

export function sweepCard(sweep: Sweep, galleryUrl: string): WorkflowCard {
  const { spec } = sweep;
  const pairs = spec.parameters.pair.values;
  const initializers = [...new Set(pairs.map(({ initializer }) => initializer))].join(', ');
  return workflowCard({
    summary: `${pairsText(pairs)} · ${spec.method} over ${expectedTrials(sweep)} trials by ${plain(spec.metric.name)} · ${plain(spec.model)}`,
    details: [
      `**[${plain(sweep.name)}](${galleryUrl}/sweeps/${sweep.id})** of ${plain(sweep.owner)}: ${spec.method} over ${expectedTrials(sweep)} trials,`,
      `at most ${spec.max_concurrent_trials} at once, judged by ${plain(spec.metric.name)} (${spec.metric.goal}).`,
      '',
      ...pairs
        .map(({ placeholder, initializer }) => `- *${plain(placeholder)}* from “${plain(initializer)}”`)
        .slice(0, 50),
    ].join('\n'),
    attributes: {
      MurnauKind: 'sweep',
      MurnauModel: spec.model,
      MurnauSweep: sweep.id,
      MurnauOwner: sweep.owner,
      MurnauPhase: 'running',
      ...(pairs[0] === undefined ? {} : { MurnauPlaceholder: pairs[0].placeholder }),
      MurnauInitializer: initializers,
    },
  });
}
