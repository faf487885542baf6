import { titleOf } from '@murnau/domain';
import type { Generation } from '@murnau/domain';
import { cutToBytes, plain } from '../board-text.js';
import { workflowCard } from '../workflow-card.js';
import type { WorkflowCard } from '../workflow-card.js';

export function generationCard(generation: Generation, galleryUrl: string): WorkflowCard {
  const { request } = generation;
  const title = (bytes: number): string => plain(cutToBytes(titleOf(request), bytes, '…'));
  return workflowCard({
    summary: `“${title(120)}” · ${request.task} · ${request.count} pictures · ${plain(request.model)}`,
    details: `[Pictures](${galleryUrl}/generations/${generation.id}) of “${title(1_000)}” (${request.task}).`,
    attributes: {
      MurnauKind: 'generation',
      MurnauModel: request.model,
      MurnauOwner: generation.owner,
      MurnauPhase: 'queued',
    },
  });
}
