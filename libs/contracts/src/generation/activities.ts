import type { RunFailure } from '../failures.js';
import type { GenerationInput } from './input.js';

/** On the orchestrator's queue. */
export interface GenerationActivities {
  endGeneration(input: {
    generation_id: string;
    phase: 'failed' | 'cancelled';
    failure?: RunFailure;
  }): Promise<void>;
}

/** On `generate/<model>`. */
export interface DrawingActivities {
  generateImages(input: GenerationInput): Promise<{ images: number }>;
}
