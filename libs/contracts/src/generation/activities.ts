import type { GenerationPhase } from '@murnau/domain';
import type { Ending } from '../ending.js';
import type { GenerationInput } from './input.js';

/** On the orchestrator's queue. */
export interface GenerationActivities {
  /** An ended generation stays as it ended. */
  endGeneration(input: { generation_id: string; ending: Ending }): Promise<{ phase: GenerationPhase }>;
}

/** What the Temporal UI says of each. */
export const generationActivitySummaries = {
  endGeneration: 'the generation ends',
} as const satisfies Record<keyof GenerationActivities, string>;

/** On `generate/<model>`. */
export interface DrawingActivities {
  /** Draws what is missing, and stores that the generation has finished. @returns how it has ended */
  generateImages(input: GenerationInput): Promise<{ images: number; phase: GenerationPhase }>;
}
