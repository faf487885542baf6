import { randomUUID } from 'node:crypto';
import {
  attributePairs,
  conversionCard,
  conversionTimeoutMs,
  fromFailure,
  generationCard,
  orchestratorQueue,
  runCard,
  sweepCard,
  tokenCheckCard,
  tokenCheckTimeoutMs,
  workflowMessages,
  workflowTaskTimeoutMs,
  workflowTypes,
} from '@murnau/contracts';
import type {
  CancelRequest,
  ConversionResult,
  EmbeddingConversionInput,
  GenerationInput,
  SweepInput,
  TokenCheckInput,
  TrainingRunInput,
  WordProblem,
  WorkflowCard,
} from '@murnau/contracts';
import { MurnauError, generationWorkflowId, isEnded, isOpen, toMurnauError } from '@murnau/domain';
import type {
  Asked,
  EmbeddingFormat,
  ErrorCode,
  Generation,
  Run,
  RunEditKind,
  Sweep,
  SweepEdit,
} from '@murnau/domain';
import type { Store } from '@murnau/store';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import type { Client } from '@temporalio/client';

export interface StarterDeps {
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
  /** Resolves when accepted. @throws `run.already_ended` */
  cancelRun(run: Run, by: string, why?: string): Promise<void>;
  /** @throws `sweep.already_ended` */
  cancelSweep(sweep: Sweep, by: string, why?: string): Promise<void>;
  /** Resolves when it is written down; the run then does it. @throws `run.already_ended`, `edit.not_possible` */
  editRun(run: Run, kind: RunEditKind, asked: Asked): Promise<void>;
  /** The same; under one update id it is applied once. @throws `sweep.already_ended`, `edit.not_possible` */
  editSweep(sweep: Sweep, edit: SweepEdit, asked: Asked & { updateId: string }): Promise<void>;
  /** @throws `generation.already_ended` */
  cancelGeneration(generation: Generation, by: string): Promise<void>;
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

const callTimeoutMs = 5_000;
/** For what a workflow must answer itself: its orchestrator may have just been killed over its task, and start again. */
const updateTimeoutMs = 10_000;

export function createStarters({ client, store, galleryUrl }: StarterDeps): Starters {
  /** Runs a call with a deadline; what Temporal says of itself becomes `temporal.unavailable`. */
  async function ask<Result>(timeoutMs: number, call: () => Promise<Result>): Promise<Result> {
    try {
      return await client.withDeadline(Date.now() + timeoutMs, call);
    } catch (error) {
      const passes =
        error instanceof MurnauError ||
        error instanceof WorkflowExecutionAlreadyStartedError ||
        error instanceof WorkflowFailedError ||
        error instanceof WorkflowNotFoundError ||
        error instanceof WorkflowUpdateFailedError;
      if (passes) throw error;
      throw new MurnauError(
        'temporal.unavailable',
        `Temporal does not answer: ${toMurnauError(error).message}`,
        {
          cause: error,
        },
      );
    }
  }

  /** @returns false: one of this id is open, perhaps about to close */
  async function start<Input>(
    type: string,
    workflowId: string,
    input: Input,
    card: WorkflowCard,
    priority?: number,
  ): Promise<boolean> {
    try {
      await ask(callTimeoutMs, () =>
        client.workflow.start(type, {
          workflowId,
          taskQueue: orchestratorQueue,
          // What was started, ended, and is stored as to be started again, is.
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          args: [input],
          workflowTaskTimeout: workflowTaskTimeoutMs,
          ...(priority === undefined ? {} : { priority: { priorityKey: priority } }),
          staticSummary: card.summary,
          staticDetails: card.details,
          typedSearchAttributes: attributePairs(card.attributes),
        }),
      );
      return true;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      return false;
    }
  }

  /** Sends an update. False: there is no such workflow, or it is about to close. */
  async function update(
    workflowId: string,
    name: string,
    args: [object],
    updateId: string,
    endedCode: ErrorCode,
  ): Promise<boolean> {
    try {
      await ask(updateTimeoutMs, () =>
        client.workflow.getHandle(workflowId).executeUpdate(name, { args, updateId }),
      );
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      const failure = fromFailure(error.cause);
      if (failure.code === endedCode) return false;
      throw failure;
    }
  }

  /** @param subject what the store knows of it, and how to end it there when there is no such workflow (yet, or any more) */
  async function cancel(
    workflowId: string,
    asked: CancelRequest,
    ended: ErrorCode,
    subject: { phase: () => Promise<string>; end: () => Promise<unknown> },
  ): Promise<void> {
    const args: [CancelRequest] = [asked];
    try {
      await ask(updateTimeoutMs, () =>
        client.workflow
          .getHandle(workflowId)
          .executeUpdate(workflowMessages.cancel, { args, updateId: randomUUID() }),
      );
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) throw fromFailure(error.cause);
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      const phase = await subject.phase();
      if (isEnded(phase)) throw new MurnauError(ended, `It has ended already: ${phase}.`);
      await subject.end();
    }
  }

  /** For workflows that answer a question. */
  async function execute<Input, Result>(
    type: string,
    workflowId: string,
    input: Input,
    timeoutMs: number,
    card: WorkflowCard,
  ): Promise<Result> {
    try {
      const handle = await ask(callTimeoutMs, () =>
        client.workflow.start(type, {
          workflowId,
          taskQueue: orchestratorQueue,
          args: [input],
          workflowExecutionTimeout: timeoutMs,
          staticSummary: card.summary,
          typedSearchAttributes: attributePairs(card.attributes),
        }),
      );
      return (await ask(timeoutMs + callTimeoutMs, () => handle.result())) as Result;
    } catch (error) {
      if (error instanceof WorkflowFailedError) throw fromFailure(error.cause);
      throw error;
    }
  }

  // One that is open already says itself that it was started, by its first decision.
  async function startTrainingRun(run: Run): Promise<void> {
    const { workflow_chain: chain } = await store.runs.details(run.id);
    const input: TrainingRunInput = { run_id: run.id, chain };
    const card = runCard(run, galleryUrl);
    if (await start(workflowTypes.trainingRun, run.workflow_id, input, card, run.priority)) {
      await store.runs.markStarted(run.id, chain);
    }
  }

  async function startSweep(sweep: Sweep): Promise<void> {
    const chain = await store.sweeps.workflowChain(sweep.id);
    const input: SweepInput = { sweep_id: sweep.id, chain };
    const card = sweepCard(sweep, galleryUrl);
    if (await start(workflowTypes.sweep, sweep.workflow_id, input, card, sweep.priority)) {
      await store.sweeps.markStarted(sweep.id, chain);
    }
  }

  return {
    startTrainingRun,
    startSweep,
    startGeneration: async (generation) => {
      const { id, request } = generation;
      const input: GenerationInput = { generation_id: id, model: request.model };
      const card = generationCard(generation, galleryUrl);
      await start(workflowTypes.generation, generationWorkflowId(id), input, card);
      await store.generations.markStarted(id);
    },
    cancelRun: ({ id, workflow_id }, by, why = '') =>
      cancel(workflow_id, { by, why }, 'run.already_ended', {
        phase: async () => (await store.runs.get(id)).phase,
        end: () => store.runs.end(id, { phase: 'cancelled', asked: { by, why } }),
      }),
    cancelSweep: ({ id, workflow_id }, by, why = '') =>
      cancel(workflow_id, { by, why }, 'sweep.already_ended', {
        phase: async () => (await store.sweeps.get(id)).phase,
        end: async () => {
          await store.sweeps.cancelIdleTrials(id, by);
          await store.sweeps.end(id, { phase: 'cancelled', asked: { by, why } });
        },
      }),
    editRun: async ({ id, workflow_id }, kind, { by, why }) => {
      const args: [object] = [{ by, why }];
      if (await update(workflow_id, kind, args, randomUUID(), 'run.already_ended')) return;
      // None is at work: it waits at a rung, was not started, or has just ended.
      await store.runs.edit(id, { kind, by, why });
    },
    editSweep: async ({ id, workflow_id }, edit, { by, why, updateId }) => {
      const args: [object] = [{ edit, by, why, update_id: updateId }];
      if (await update(workflow_id, edit.kind, args, updateId, 'sweep.already_ended')) return;
      await store.sweeps.edit(id, { edit, by, why, updateId });
      // It may have been ended, and have something to do again.
      const sweep = await store.sweeps.get(id);
      if (isOpen(sweep.phase)) await startSweep(sweep);
    },
    cancelGeneration: ({ id }, by) =>
      cancel(generationWorkflowId(id), { by }, 'generation.already_ended', {
        phase: async () => (await store.generations.get(id)).phase,
        end: () => store.generations.end(id, { phase: 'cancelled' }),
      }),
    convertEmbedding: ({ fileHash, model, placeholderToken, toFormat }) => {
      const input: EmbeddingConversionInput = {
        file_hash: fileHash,
        model,
        placeholder_token: placeholderToken,
        to_format: toFormat,
      };
      const workflowId = `conversion/${randomUUID().slice(0, 8)}`;
      return execute(
        workflowTypes.embeddingConversion,
        workflowId,
        input,
        conversionTimeoutMs,
        conversionCard(input),
      );
    },
    checkTokens: (input) => {
      const workflowId = `words/${randomUUID().slice(0, 8)}`;
      return execute(workflowTypes.tokenCheck, workflowId, input, tokenCheckTimeoutMs, tokenCheckCard(input));
    },
  };
}
