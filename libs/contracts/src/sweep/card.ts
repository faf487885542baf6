import { expectedTrials } from '@murnau/domain';
import type { Sweep } from '@murnau/domain';
import { pairsText } from '../board-text.js';
import type { WorkflowCard } from '../workflow-card.js';

/** What Temporal's database keeps of a keyword. */
const longestKeyword = 255;

export function sweepCard(sweep: Sweep, galleryUrl: string): WorkflowCard {
  const { spec } = sweep;
  const pairs = spec.parameters.pair.values;
  const initializers = [...new Set(pairs.map(({ initializer }) => initializer))].join(', ');
  return {
    summary: `${pairsText(pairs)} · ${spec.method} over ${expectedTrials(sweep)} trials by ${spec.metric.name} · ${spec.model}`,
    details: [
      `**[${sweep.name}](${galleryUrl}/sweeps/${sweep.id})** of ${sweep.owner}: ${spec.method} over ${expectedTrials(sweep)} trials,`,
      `at most ${spec.max_concurrent_trials} at once, judged by ${spec.metric.name} (${spec.metric.goal}).`,
      '',
      ...pairs.map(({ placeholder, initializer }) => `- *${placeholder}* from “${initializer}”`).slice(0, 50),
    ].join('\n'),
    attributes: {
      MurnauKind: 'sweep',
      MurnauModel: spec.model,
      MurnauSweep: sweep.id,
      MurnauOwner: sweep.owner,
      MurnauPhase: 'running',
      ...(pairs[0] === undefined ? {} : { MurnauPlaceholder: pairs[0].placeholder }),
      MurnauInitializer: initializers.slice(0, longestKeyword),
    },
  };
}
