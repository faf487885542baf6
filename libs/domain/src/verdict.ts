import type { Run } from './resources/run.js';

/** Whether a run's embedding is better than what is free: a known word, and a fused picture. */
export interface Verdict {
  baseline: 'word' | 'fuse';
  /** Null: no judge. By image alignment; the text alignments are said beside it. */
  beats: boolean | null;
  sentence: string;
}

type Judged = Pick<Run, 'metrics' | 'judgement' | 'spec'>;

const two = (value: number): string => value.toFixed(2);

/** The word whose pictures a run's are compared with. */
export const baselineWordOf = ({ judgement, spec }: Pick<Run, 'judgement' | 'spec'>): string =>
  judgement?.baseline_word ?? spec.initializer_token;

/** One for each baseline that was drawn; empty until the final pictures are there. */
export function verdictsOf(run: Judged): Verdict[] {
  const { metrics, spec } = run;
  const word = baselineWordOf(run);
  const named: [Verdict['baseline'], string, string][] = [
    ['word', 'baseline', `the word "${word}" alone`],
    ['fuse', 'fuse', `the fused picture (the dataset's first with the text of "${spec.initializer_token}")`],
  ];
  return named.flatMap(([baseline, prefix, name]) => {
    const [ours, theirs] = [metrics['image_alignment'], metrics[`${prefix}_image_alignment`]];
    if (ours === undefined || theirs === undefined) return [];
    const beats = ours > theirs;
    const verb = beats ? 'beats' : 'does not beat';
    const numbers = `image alignment ${two(ours)} against ${two(theirs)}`;
    const sentence = `${spec.placeholder_token} ${verb} ${name}: ${numbers}${textPart(run, prefix)}.`;
    return [{ baseline, beats, sentence }];
  });
}

function textPart({ metrics }: Judged, prefix: string): string {
  const [ours, theirs] = [metrics['text_alignment'], metrics[`${prefix}_text_alignment`]];
  return ours === undefined || theirs === undefined
    ? ''
    : `; text alignment ${two(ours)} against ${two(theirs)}`;
}

/** What is said where no verdict can be: pictures are there, and nobody scores them. Undefined: nothing to say yet. */
export function unjudgedNote({ metrics, judgement, spec }: Judged): string | undefined {
  if (judgement === null || judgement.judge !== '') return undefined;
  const [ours, theirs] = [metrics['eval_loss'], metrics['baseline_eval_loss']];
  const losses =
    ours === undefined || theirs === undefined
      ? ''
      : ` By eval loss ${spec.placeholder_token} ${ours < theirs ? 'beats' : 'does not beat'} the word "${judgement.baseline_word}": ${ours.toFixed(4)} against ${theirs.toFixed(4)}.`;
  return `${spec.model} has no judge, so nothing scores these pictures: compare them yourself.${losses}`;
}

/** All that a report says of how a run was judged, a sentence a line; empty until its final pictures are there. */
export function judgedLines(run: Judged): string[] {
  const { judgement } = run;
  const note = unjudgedNote(run);
  if (note !== undefined) return [note];
  const verdicts = verdictsOf(run).map(({ sentence }) => sentence);
  if (verdicts.length === 0 || judgement === null) return verdicts;
  const { judge, concept } = judgement;
  return [...verdicts, `Judged by ${judge}, which takes the training pictures for "${concept}".`];
}
