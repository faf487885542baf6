import { learningRatesOf } from '@murnau/domain';
import type { Run } from '@murnau/domain';
import { factLine, parameterText, plain, shortNumber } from '../board-text.js';
import { workflowCard } from '../workflow-card.js';
import type { WorkflowCard } from '../workflow-card.js';

export function runCard(run: Run, galleryUrl: string): WorkflowCard {
  const { spec } = run;
  const rates = learningRatesOf(spec);
  const searched = Object.entries(run.parameters).filter(
    ([name]) => name !== 'placeholder' && name !== 'initializer',
  );
  return workflowCard({
    summary: [
      `${plain(spec.placeholder_token)} from “${plain(spec.initializer_token)}”`,
      plain(spec.model),
      `${spec.max_steps} steps`,
      ...searched.map(([name, value]) => parameterText(name, value)),
    ].join(' · '),
    details: [
      `**[${plain(run.name)}](${galleryUrl}/runs/${run.id})** of ${plain(run.owner)} learns the word *${plain(spec.placeholder_token)}*.`,
      '',
      factLine('initializer', spec.initializer_token),
      factLine('model', spec.model),
      factLine('objective', spec.objective),
      factLine(
        `learning rates ${Object.keys(rates).join(', ')}`,
        `${Object.values(rates).map(shortNumber).join(', ')} (${spec.learning_rate_unit})`,
      ),
      factLine('batch size', spec.batch_size),
      factLine('steps', spec.max_steps),
      factLine('seed', spec.seed),
      factLine('packing', spec.packing),
      factLine('dataset', run.dataset_id),
    ].join('\n'),
    attributes: {
      MurnauKind: 'run',
      MurnauModel: spec.model,
      MurnauPlaceholder: spec.placeholder_token,
      MurnauInitializer: spec.initializer_token,
      ...(run.sweep_id === null ? {} : { MurnauSweep: run.sweep_id }),
      MurnauOwner: run.owner,
      MurnauPhase: 'queued',
      MurnauStep: run.step,
    },
  });
}
