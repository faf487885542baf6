import { plain } from '../board-text.js';
import { workflowCard } from '../workflow-card.js';
import type { WorkflowCard } from '../workflow-card.js';
import type { EmbeddingConversionInput, TokenCheckInput } from './input.js';

export const conversionCard = ({ to_format, model }: EmbeddingConversionInput): WorkflowCard =>
  workflowCard({
    summary: `embedding to ${plain(to_format)} · ${plain(model)}`,
    details: '',
    attributes: { MurnauKind: 'conversion', MurnauModel: model },
  });

export const tokenCheckCard = ({ words, model }: TokenCheckInput): WorkflowCard =>
  workflowCard({
    summary: `${words.length} pairs of words · ${plain(model)}`,
    details: '',
    attributes: { MurnauKind: 'words', MurnauModel: model },
  });
