import type { WorkflowCard } from '../workflow-card.js';
import type { EmbeddingConversionInput, TokenCheckInput } from './input.js';

export const conversionCard = ({ to_format, model }: EmbeddingConversionInput): WorkflowCard => ({
  summary: `embedding to ${to_format} · ${model}`,
  details: '',
  attributes: { MurnauKind: 'conversion', MurnauModel: model },
});

export const tokenCheckCard = ({ words, model }: TokenCheckInput): WorkflowCard => ({
  summary: `${words.length} pairs of words · ${model}`,
  details: '',
  attributes: { MurnauKind: 'words', MurnauModel: model },
});
