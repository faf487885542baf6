import type { Bound } from '../context.js';
import { createSweep, planTrials } from './create-sweep.js';
import { editSweep } from './edit-sweep.js';
import { cancelIdleTrials, endAbandonedSweep, endSweep, settleSweep } from './end-sweep.js';
import { sweepFacts } from './facts.js';
import { finalistsOf, planFinalists } from './finalists.js';
import { openGate, passGateByTimer } from './gates.js';
import { bestTrials, leaderboard, trialIds, waitingTrials } from './leaderboard.js';
import {
  briefSweep,
  getSweep,
  hasOpenTrials,
  listSweeps,
  openTrials,
  sweepDecisions,
  trialsOf,
} from './reads.js';
import { endIdleTrials, promoteTrials, rungsOf } from './rungs.js';
import {
  isDecidedBy,
  markSweepLost,
  markSweepStarted,
  startedSweeps,
  sweepWorkflowChain,
  unstartedSweeps,
} from './starts.js';
import { stopStarting } from './stop-starting.js';
import {
  forbiddenSuggestions,
  forbidSuggestion,
  planSuggested,
  searchHistory,
  searchSample,
} from './suggestions.js';

/** What `store.sweeps` offers: reads, then commands, each one transaction. */
export const sweepFunctions = {
  get: getSweep,
  list: listSweeps,
  brief: briefSweep,
  leaderboard,
  best: bestTrials,
  waiting: waitingTrials,
  trialIds,
  trials: trialsOf,
  openTrials,
  hasOpenTrials,
  decisions: sweepDecisions,
  facts: sweepFacts,
  rungs: rungsOf,
  history: searchHistory,
  sample: searchSample,
  forbidden: forbiddenSuggestions,
  finalists: finalistsOf,
  unstarted: unstartedSweeps,
  startedAndOpen: startedSweeps,
  isDecidedBy,
  workflowChain: sweepWorkflowChain,
  create: createSweep,
  planTrials,
  planSuggested,
  forbidSuggestion,
  planFinalists,
  promote: promoteTrials,
  endIdle: endIdleTrials,
  stopStarting,
  openGate,
  passGateByTimer,
  edit: editSweep,
  markStarted: markSweepStarted,
  markLost: markSweepLost,
  settle: settleSweep,
  end: endSweep,
  endAbandoned: endAbandonedSweep,
  cancelIdleTrials,
};

export type Sweeps = Bound<typeof sweepFunctions>;
