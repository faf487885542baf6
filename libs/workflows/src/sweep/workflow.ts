import { sweepActivitySummaries, workflowMessages } from '@murnau/contracts';
import type {
  SweepActivities,
  SweepEnding,
  SweepInput,
  SweepStep,
  SweepView,
  TrialEnded,
} from '@murnau/contracts';
import { isOpen } from '@murnau/domain';
import type { SweepPhase } from '@murnau/domain';
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { localThenQueued } from '../local-then-queued.js';
import { runToEnd } from '../run-to-end.js';
import type { Requests } from '../run-to-end.js';
import { ShownAttributes } from '../show.js';
import { listenForSweepEdits } from './edits.js';
import { TrialStarts } from './start-trials.js';

const { decideSweep, markTrialsStarted, signalTrials, endSweep, cancelTrials } =
  localThenQueued<SweepActivities>({
    local: { startToCloseTimeout: '10 s' },
    queued: {
      // A decision over ten thousand trials takes long; a killed orchestrator is noticed by the heartbeats.
      startToCloseTimeout: '10 min',
      heartbeatTimeout: '4 s',
      retry: { initialInterval: '200 ms', backoffCoefficient: 1 },
    },
    summaries: sweepActivitySummaries,
  });

export const sweepStatusQuery = defineQuery<SweepStatus>(workflowMessages.status);
export const trialEndedSignal = defineSignal<[TrialEnded]>(workflowMessages.trialEnded);

interface SweepStatus {
  readonly phase: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly chain: number;
}

interface SweepOutcome {
  readonly phase: SweepPhase;
}

/** Starts that may be under way when the next ones, up to 50, are decided. */
const mostStartsUnderWay = 50;
/**
 * A sweep that has ended cancels its open trials until all have ended: after a rest again when one has, and without such
 * news after a wait, which is doubled each time.
 */
const cancelRestMs = 500;
const shortestCancelWaitMs = 500;
const longestCancelWaitMs = 60_000;

/** `ended`: the store has the end already. */
type Ending = SweepEnding | { readonly kind: 'ended'; readonly phase: SweepPhase };

/** Keeps a window of trials running until all have ended. Trials are workflows of their own and outlive it. */
export async function sweep(input: SweepInput): Promise<SweepOutcome> {
  const { sweep_id, chain = 0, decisions_per_chain = 500 } = input;
  const attributes = new ShownAttributes();
  let latest: SweepStep | undefined;
  let decisions = 0;
  let trialNews = 0;
  let starts: TrialStarts;

  function show(view: SweepView | undefined): void {
    if (view === undefined) return;
    setCurrentDetails(view.details);
    attributes.show({ ...view.row });
  }

  async function storeStarts(): Promise<void> {
    await starts.settled();
    const started = starts.takeConfirmed();
    if (started.length > 0) await markTrialsStarted({ started });
  }

  function listen(requests: Requests): void {
    const noteTrial = (): void => {
      trialNews += 1;
      requests.note();
    };
    starts = new TrialStarts(noteTrial);
    setHandler(sweepStatusQuery, () => ({
      phase: latest?.phase ?? 'running',
      counts: latest?.counts ?? {},
      chain,
    }));
    setHandler(trialEndedSignal, noteTrial);
    listenForSweepEdits(sweep_id, requests);
  }

  async function step(requests: Requests): Promise<Ending | undefined> {
    starts.throwFailure();
    const decided = await decideSweep({
      sweep_id,
      chain,
      sweep_run_id: workflowInfo().runId,
      started: starts.takeConfirmed(),
      starting: starts.underWay(),
    });
    latest = decided;
    decisions += 1;
    show(decided.view);
    if (decided.action === 'ended') return { kind: 'ended', phase: decided.phase };
    if (decided.action === 'finish') return { kind: 'settled' };
    starts.begin(decided.start);
    if (decided.unresponsive_trials.length > 0) {
      await signalTrials({ workflow_ids: decided.unresponsive_trials });
    }
    if (workflowInfo().continueAsNewSuggested || decisions >= decisions_per_chain) {
      await storeStarts();
      if (await requests.drained()) await goOnAnew();
    }
    if (decided.more) await starts.settled(mostStartsUnderWay);
    else await condition(() => requests.hasNew(), decided.wake_ms, { summary: `until ${decided.waits_for}` });
    return undefined;
  }

  async function end(ending: Ending): Promise<SweepOutcome | undefined> {
    await storeStarts();
    const { phase, view } =
      ending.kind === 'ended' ? { ...ending, view: undefined } : await endSweep({ sweep_id, ending });
    if (isOpen(phase)) return undefined;
    show(view);
    attributes.show({ MurnauPhase: phase });
    if (phase !== 'finished') await untilTrialsHaveEnded('by' in ending ? ending.by : 'its sweep');
    return { phase };
  }

  async function untilTrialsHaveEnded(by: string): Promise<void> {
    for (let passes = 1, waitMs = shortestCancelWaitMs; ; passes += 1) {
      const known = trialNews;
      const { is_settled, view } = await cancelTrials({ sweep_id, by });
      show(view);
      if (is_settled) return;
      if (workflowInfo().continueAsNewSuggested || passes >= decisions_per_chain) {
        await condition(allHandlersFinished);
        await goOnAnew();
      }
      const summary = 'until the trials have ended';
      await sleep(cancelRestMs, { summary });
      await condition(() => trialNews > known, waitMs, { summary });
      waitMs = Math.min(waitMs * 2, longestCancelWaitMs);
    }
  }

  const goOnAnew = (): Promise<never> => continueAsNew<typeof sweep>({ ...input, chain: chain + 1 });

  return runToEnd<Ending, SweepOutcome>({ kind: 'sweep', listen, step, end });
}
