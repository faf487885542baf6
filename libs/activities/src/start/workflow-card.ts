import { expectedTrials, titleOf } from '@murnau/domain';
import type { Generation, Run, SearchAttributeName, Sweep } from '@murnau/domain';
import { factLine, pairsText, parameterText, shortNumber } from '../board-text.js';

/** How a workflow shows in the Temporal UI from its first moment on. */
export interface WorkflowCard {
  /** One line. */
  readonly summary: string;
  /** Markdown. */
  readonly details: string;
  readonly attributes: Readonly<Partial<Record<SearchAttributeName, string | number>>>;
}

/** What Temporal's database keeps of a keyword. */
const longestKeyword = 255;

export function runCard(run: Run, galleryUrl: string): WorkflowCard {
  const { spec } = run;
  const searched = Object.entries(run.parameters).filter(
    ([name]) => name !== 'placeholder' && name !== 'initializer',
  );
  return {
    summary: [
      `${spec.placeholder_token} from “${spec.initializer_token}”`,
      spec.model,
      `${spec.max_steps} steps`,
      ...searched.map(([name, value]) => parameterText(name, value)),
    ].join(' · '),
    details: [
      `**[${run.name}](${galleryUrl}/runs/${run.id})** of ${run.owner} learns the word *${spec.placeholder_token}*.`,
      '',
      factLine('initializer', spec.initializer_token),
      factLine('model', spec.model),
      factLine('objective', spec.objective),
      factLine(
        'learning rates t1, t2',
        `${shortNumber(spec.learning_rate_t1)}, ${shortNumber(spec.learning_rate_t2)} (${spec.learning_rate_unit})`,
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
  };
}

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

export function generationCard(generation: Generation, galleryUrl: string): WorkflowCard {
  const { request } = generation;
  const title = titleOf(request);
  return {
    summary: `“${title.slice(0, 120)}” · ${request.task} · ${request.count} pictures · ${request.model}`,
    details: `[Pictures](${galleryUrl}/generations/${generation.id}) of “${title.slice(0, 1_000)}” (${request.task}).`,
    attributes: {
      MurnauKind: 'generation',
      MurnauModel: request.model,
      MurnauOwner: generation.owner,
      MurnauPhase: 'queued',
    },
  };
}
