import { titleOf } from '@murnau/domain';
import type { Generation } from '@murnau/domain';
import type { WorkflowCard } from '../workflow-card.js';

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
