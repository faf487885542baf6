import { titleOf } from '@murnau/domain';
import type { Generation, Run, SearchAttributeName, Sweep } from '@murnau/domain';

/** How a workflow shows in the Temporal UI from its first moment on. */
export interface WorkflowCard {
  /** One line. */
  readonly summary: string;
  /** Markdown. */
  readonly details: string;
  readonly attributes: Readonly<Partial<Record<SearchAttributeName, string | number>>>;
}

const row = (name: string, value: string | number): string => `| ${name} | ${value} |`;
const table = (rows: readonly (readonly [string, string | number])[]): string =>
  ['| | |', '| --- | --- |', ...rows.map(([name, value]) => row(name, value))].join('\n');

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
      ...searched.map(([name, value]) => `${name} ${value}`),
    ].join(' · '),
    details: [
      `**[${run.name}](${galleryUrl}/runs/${run.id})** learns the word *${spec.placeholder_token}*.`,
      '',
      table([
        ['initializer', spec.initializer_token],
        ['model', spec.model],
        ['objective', spec.objective],
        [
          'learning rates t1, t2',
          `${spec.learning_rate_t1}, ${spec.learning_rate_t2} (${spec.learning_rate_unit})`,
        ],
        ['batch size', spec.batch_size],
        ['steps', spec.max_steps],
        ['seed', spec.seed],
        ['packing', spec.packing],
        ['dataset', run.dataset_id],
      ]),
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
  return {
    summary: `${sweep.trials} trials · ${spec.method} · ${pairs.length} pairs · ${spec.model}`,
    details: [
      `**[${sweep.name}](${galleryUrl}/sweeps/${sweep.id})**: ${spec.method} over ${sweep.trials} trials,`,
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
