import { generateQueue, generationActivitySummaries, workflowMessages } from '@murnau/contracts';
import type {
  DrawingActivities,
  Ending as CommonEnding,
  GenerationActivities,
  GenerationInput,
} from '@murnau/contracts';
import type { GenerationPhase } from '@murnau/domain';
import { defineQuery, proxyActivities, setHandler } from '@temporalio/workflow';
import { localThenQueued } from '../local-then-queued.js';
import { runToEnd } from '../run-to-end.js';
import type { Requests } from '../run-to-end.js';
import { ShownAttributes } from '../show.js';

const retry = { initialInterval: '200 ms', backoffCoefficient: 1 } as const;
const { endGeneration } = localThenQueued<GenerationActivities>({
  local: { startToCloseTimeout: '10 s' },
  queued: { startToCloseTimeout: '10 min', heartbeatTimeout: '4 s', retry },
  summaries: generationActivitySummaries,
});
/** Drawing lives by its heartbeats, as a segment does. */
const { generateImages } = proxyActivities<DrawingActivities>({
  startToCloseTimeout: '12 h',
  heartbeatTimeout: '2 s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry,
});

export const generationStatusQuery = defineQuery<{ phase: string }>(workflowMessages.status);

interface GenerationOutcome {
  readonly phase: GenerationPhase;
}

/** `ended`: the store has the end already. */
type Ending = CommonEnding | { readonly kind: 'ended'; readonly phase: GenerationPhase };

/** Pictures from a prompt, with any learnt words. */
export async function generation(input: GenerationInput): Promise<GenerationOutcome> {
  const { generation_id, model } = input;
  const attributes = new ShownAttributes();
  let phase: GenerationPhase = 'running';

  function show(shown: GenerationPhase): void {
    phase = shown;
    attributes.show({ MurnauPhase: shown });
  }

  function listen(): void {
    setHandler(generationStatusQuery, () => ({ phase }));
    show('running');
  }

  async function step(requests: Requests): Promise<Ending | undefined> {
    const options = { taskQueue: generateQueue(model), summary: 'pictures' };
    try {
      const drawn = await requests.interruptible(() => generateImages.executeWithOptions(options, [input]));
      return { kind: 'ended', phase: drawn.phase };
    } catch (error) {
      if (!requests.hasNew()) throw error;
      return undefined;
    }
  }

  async function end(ending: Ending): Promise<GenerationOutcome> {
    const ended = ending.kind === 'ended' ? ending : await endGeneration({ generation_id, ending });
    show(ended.phase);
    return { phase: ended.phase };
  }

  return runToEnd<Ending, GenerationOutcome>({ kind: 'generation', listen, step, end });
}
