/** Ids that a person can read. */

/** Ids of runs, sweeps, datasets, embeddings and generations: 8 hexadecimal digits. */
export const idPattern = /^[0-9a-f]{8}$/;

/** Turns any name into `[a-z0-9-]`, at most 40 characters, never empty. */
export function slug(name: string): string {
  const cleaned = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return cleaned === '' ? 'unnamed' : cleaned;
}

export const runWorkflowId = (name: string, runId: string): string => `run/${slug(name)}/${runId}`;
export const sweepWorkflowId = (name: string, sweepId: string): string => `sweep/${slug(name)}/${sweepId}`;
/** Trials are numbered from 0 and shown with at least two digits. */
export const trialWorkflowId = (sweepWorkflow: string, trial: number): string =>
  `${sweepWorkflow}/trial-${String(trial).padStart(2, '0')}`;
export const generationWorkflowId = (generationId: string): string => `generation/${generationId}`;
