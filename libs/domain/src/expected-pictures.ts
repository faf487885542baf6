import type { TrainingSpec } from './training-spec.js';

/** At the end: those of the learnt word, of the initializer, and of a training picture fused with it. */
const subjectsAtTheEnd = 3;

/** Pictures that a run draws when it takes all its steps; fewer where its family cannot fuse. */
export function expectedPictures({ max_steps, samples }: TrainingSpec): number {
  const { every_steps, prompts, per_prompt, final_count } = samples;
  const rounds = every_steps === 0 ? 0 : Math.floor(max_steps / every_steps);
  return rounds * prompts.length * per_prompt + subjectsAtTheEnd * final_count;
}
