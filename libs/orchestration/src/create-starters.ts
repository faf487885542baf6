import { randomUUID } from 'node:crypto';
import {
  conversionCard,
  conversionTimeoutMs,
  generationCard,
  runCard,
  sweepCard,
  tokenCheckCard,
  tokenCheckTimeoutMs,
  toStoredEnd,
  workflowMessages,
  workflowTypes,
} from '@murnau/contracts';
import type {
  CancelRequest,
  ConversionResult,
  EmbeddingConversionInput,
  GenerationInput,
  StoredEnd,
  SweepEditMessage,
  SweepInput,
  TokenCheckInput,
  TrainingRunInput,
  WordProblem,
} from '@murnau/contracts';
import { generationWorkflowId, isEnded, isOpen, MurnauError } from '@murnau/domain';
import type { Asked, EmbeddingFormat, Generation, Run, RunEditKind, Sweep, SweepEdit } from '@murnau/domain';
import type { Store } from '@murnau/store';
import type { Client } from '@temporalio/client';
import { TemporalCalls } from './temporal-calls.js';

interface StarterDeps {
  readonly client: Client;
  readonly store: Pick<Store, 'runs' | 'sweeps' | 'generations'>;
  /** For links in the Temporal UI. */
  readonly galleryUrl: string;
}

/** Starts and ends workflows; all may be repeated. A server that is away is `temporal.unavailable`. */
export interface Starters {
  /** Never for a trial: its sweep starts it. */
  startTrainingRun(run: Run): Promise<void>;
  startSweep(sweep: Sweep): Promise<void>;
  startGeneration(generation: Generation): Promise<void>;
  /** Resolves when accepted; of what is cancelled already at once. @throws `run.already_ended` */
  cancelRun(run: Run, by: string, why?: string): Promise<void>;
  /** Likewise. @throws `sweep.already_ended` */
  cancelSweep(sweep: Sweep, by: string, why?: string): Promise<void>;
  /**
   * Resolves when it is stored; the run's workflow then does it. Under one update id it is applied once.
   * @throws `run.already_ended`, `edit.not_possible`
   */
  editRun(run: Run, kind: RunEditKind, asked: Asked & { updateId?: string }): Promise<void>;
  /** The same; under one update id it is applied once. @throws `sweep.already_ended`, `edit.not_possible` */
  editSweep(sweep: Sweep, edit: SweepEdit, asked: Asked & { updateId: string }): Promise<void>;
  /** Likewise. @throws `generation.already_ended` */
  cancelGeneration(generation: Generation, by: string, why?: string): Promise<void>;
  /** The file is a stored blob, and so is the answer. @throws `worker.unavailable` after 30 s, `embedding.*` */
  convertEmbedding(input: {
    fileHash: string;
    model: string;
    placeholderToken?: string | undefined;
    toFormat: EmbeddingFormat;
  }): Promise<ConversionResult>;
  /** Empty: the words may be used. @throws `worker.unavailable` after 10 s */
  checkTokens(input: TokenCheckInput): Promise<WordProblem[]>;
}

/** A row, and how to end it where it has no workflow. */
interface Subject {
  readonly kind: 'run' | 'sweep' | 'generation';
  readonly workflowId: string;
  readonly phase: () => Promise<string>;
  readonly end: (end: StoredEnd) => Promise<unknown>;
}

export function createStarters({ client, store, galleryUrl }: StarterDeps): Starters {
  const temporal = new TemporalCalls(client);

  // One that is open already stores itself that it was started, by its first decision.
  async function startTrainingRun(run: Run): Promise<void> {
    const { workflow_chain: chain } = await store.runs.details(run.id);
    const input: TrainingRunInput = { run_id: run.id, chain };
    const { workflow_id: workflowId, priority } = run;
    const card = runCard(run, galleryUrl);
    const isStarted = await temporal.start({
      type: workflowTypes.trainingRun,
      workflowId,
      input,
      card,
      priority,
    });
    if (isStarted) await store.runs.markStarted(run.id, chain);
  }

  async function startSweep(sweep: Sweep): Promise<void> {
    const chain = await store.sweeps.workflowChain(sweep.id);
    const input: SweepInput = { sweep_id: sweep.id, chain };
    const { workflow_id: workflowId, priority } = sweep;
    const card = sweepCard(sweep, galleryUrl);
    const isStarted = await temporal.start({ type: workflowTypes.sweep, workflowId, input, card, priority });
    if (isStarted) await store.sweeps.markStarted(sweep.id, chain);
  }

  async function startGeneration(generation: Generation): Promise<void> {
    const { id, request } = generation;
    const chain = await store.generations.workflowChain(id);
    const input: GenerationInput = { generation_id: id, model: request.model };
    const card = generationCard(generation, galleryUrl);
    await temporal.start({
      type: workflowTypes.generation,
      workflowId: generationWorkflowId(id),
      input,
      card,
    });
    await store.generations.markStarted(id, chain);
  }

  /** Where there is no workflow (yet, or any more), the end is stored here. */
  async function cancel({ kind, workflowId, phase, end }: Subject, asked: CancelRequest): Promise<void> {
    if (await temporal.update(workflowId, workflowMessages.cancel, asked, randomUUID())) return;
    const now = await phase();
    // Asking twice is asking once.
    if (now === 'cancelled') return;
    if (isEnded(now)) throw new MurnauError(`${kind}.already_ended`, `It has ended already: ${now}.`);
    await end(toStoredEnd(kind, { kind: 'cancelled', by: asked.by, asked }));
  }

  /** @returns false: no workflow took the edit */
  async function edit(
    kind: 'run' | 'sweep',
    workflowId: string,
    name: string,
    message: object,
    updateId: string,
  ): Promise<boolean> {
    try {
      return await temporal.update(workflowId, name, message, updateId);
    } catch (error) {
      // It is about to close.
      if (error instanceof MurnauError && error.code === `${kind}.already_ended`) return false;
      throw error;
    }
  }

  return {
    startTrainingRun,
    startSweep,
    startGeneration,
    cancelRun: ({ id, workflow_id }, by, why = '') =>
      cancel(
        {
          kind: 'run',
          workflowId: workflow_id,
          phase: async () => (await store.runs.get(id)).phase,
          end: (end) => store.runs.end(id, end),
        },
        { by, why },
      ),
    cancelSweep: ({ id, workflow_id }, by, why = '') =>
      cancel(
        {
          kind: 'sweep',
          workflowId: workflow_id,
          phase: async () => (await store.sweeps.get(id)).phase,
          end: (end) => store.sweeps.end(id, end),
        },
        { by, why },
      ),
    cancelGeneration: ({ id }, by, why = '') =>
      cancel(
        {
          kind: 'generation',
          workflowId: generationWorkflowId(id),
          phase: async () => (await store.generations.get(id)).phase,
          end: (end) => store.generations.end(id, end),
        },
        { by, why },
      ),
    editRun: async ({ id, workflow_id }, kind, { updateId = randomUUID(), ...asked }) => {
      if (await edit('run', workflow_id, kind, asked, updateId)) return;
      // No workflow is open: it waits at a rung, was not started, or has just ended.
      await store.runs.edit(id, { kind, ...asked, updateId });
    },
    editSweep: async ({ id, workflow_id }, change, { by, why, updateId }) => {
      const message: SweepEditMessage = { edit: change, by, why, update_id: updateId };
      if (await edit('sweep', workflow_id, change.kind, message, updateId)) return;
      await store.sweeps.edit(id, { edit: change, by, why, updateId });
      // It may have ended, and have something to do again.
      const sweep = await store.sweeps.get(id);
      if (isOpen(sweep.phase)) await startSweep(sweep);
    },
    convertEmbedding: ({ fileHash, model, placeholderToken, toFormat }) => {
      const input: EmbeddingConversionInput = {
        file_hash: fileHash,
        model,
        placeholder_token: placeholderToken,
        to_format: toFormat,
      };
      const workflowId = `conversion/${randomUUID().slice(0, 8)}`;
      const card = conversionCard(input);
      const conversion = { type: workflowTypes.embeddingConversion, workflowId, input, card };
      return temporal.execute<ConversionResult>(conversion, conversionTimeoutMs);
    },
    checkTokens: (input) => {
      const workflowId = `words/${randomUUID().slice(0, 8)}`;
      const check = { type: workflowTypes.tokenCheck, workflowId, input, card: tokenCheckCard(input) };
      return temporal.execute<WordProblem[]>(check, tokenCheckTimeoutMs);
    },
  };
}
