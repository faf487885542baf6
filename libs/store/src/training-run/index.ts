import type { Bound } from '../context.js';
import { claimRun } from './claim-run.js';
import { createRun } from './create-run.js';
import { editRun } from './edit-run.js';
import { endRun, finishRun, setRunPhase } from './end-run.js';
import { forkRun } from './fork-run.js';
import { countRestart, recordStarted } from './history.js';
import { reachRung } from './reach-rung.js';
import { getRun, getRuns, getRunWithDetails, listRuns, runCheckpoints, runDetails } from './reads.js';
import { recordProgress } from './record-progress.js';
import { newestSamples, runCurves, runMetrics, runSamples, sampledSteps, samplesAt } from './results.js';
import {
  endAbandonedRun,
  endTrialsOfEndedSweeps,
  markRunLost,
  markRunsStarted,
  markRunStarted,
  startedRuns,
  unstartedRuns,
} from './starts.js';

/** What `store.runs` offers: reads, then commands, each one transaction. */
export const runFunctions = {
  get: getRun,
  getMany: getRuns,
  details: runDetails,
  getWithDetails: getRunWithDetails,
  list: listRuns,
  metrics: runMetrics,
  curves: runCurves,
  samples: runSamples,
  sampledSteps,
  samplesAt,
  newestSamples,
  checkpoints: runCheckpoints,
  unstarted: unstartedRuns,
  startedAndOpen: startedRuns,
  create: createRun,
  fork: forkRun,
  claim: claimRun,
  recordStarted,
  recordProgress,
  countRestart,
  edit: editRun,
  setPhase: setRunPhase,
  reachRung,
  finish: finishRun,
  end: endRun,
  endAbandoned: endAbandonedRun,
  endTrialsOfEndedSweeps,
  markStarted: markRunStarted,
  markAllStarted: markRunsStarted,
  markLost: markRunLost,
};

export type Runs = Bound<typeof runFunctions>;
