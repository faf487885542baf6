/** What a person looks at first, in this order; the rest by name. */
const first = [
  'eval_gain',
  'eval_loss',
  'train_loss',
  'image_alignment',
  'baseline_image_alignment',
  'fuse_image_alignment',
  'text_alignment',
  'baseline_text_alignment',
  'fuse_text_alignment',
];

export const mainMetrics = first;

/** Names of the metrics given, the telling ones first. */
export function orderedMetrics(metrics: Readonly<Record<string, number>>): string[] {
  const known = first.filter((name) => metrics[name] !== undefined);
  const others = Object.keys(metrics).filter((name) => !first.includes(name));
  return [...known, ...others.sort()];
}
