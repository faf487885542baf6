// What must hold of a sweep that was disturbed.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointEverySteps, eta, evalEverySteps, trials } from './sweeps.mjs';

/** @typedef {{ id: string, trial: number, phase: string, certified_step: number, restarts: Record<string, number>, hash: string | null, embeddings: number }} TrialRow */

/** @param {import('./books.mjs').Books} books @param {string} sweepId @returns {Promise<TrialRow[]>} */
const trialsOf = (books, sweepId) =>
  books.ask(
    `select runs.id, trial, phase, certified_step, restarts, embeddings.hash,
            (select count(*)::int from embeddings e where e.run_id = runs.id) as embeddings
     from runs left join embeddings on embeddings.id = runs.embedding_id
     where sweep_id = $1 order by trial`,
    [sweepId],
  );

/** Embedding hashes and metric values by trial: what an undisturbed sweep is compared by. @param {import('./books.mjs').Books} books @param {string} sweepId */
export async function resultsOf(books, sweepId) {
  const metrics = await books.ask(
    `select trial, metrics.step, metrics.name, value from metrics join runs on runs.id = run_id
     where sweep_id = $1 order by trial, metrics.step, metrics.name`,
    [sweepId],
  );
  return {
    hashes: (await trialsOf(books, sweepId)).map(({ hash }) => hash),
    metrics: metrics.map(({ trial, step, name, value }) => `${trial} ${step} ${name} ${value}`),
  };
}

/**
 * @param {import('./books.mjs').Books} books
 * @param {string} sweepId
 * @returns {Promise<string[]>} what is wrong
 */
export async function checkTrials(books, sweepId) {
  const wrong = [];
  const rows = await trialsOf(books, sweepId);
  const numbers = rows.map(({ trial }) => trial).join();
  if (rows.length !== trials) wrong.push(`${rows.length} trials instead of ${trials}: ${numbers}`);
  if (new Set(rows.map(({ trial }) => trial)).size !== rows.length) wrong.push(`a trial twice: ${numbers}`);
  for (const row of rows) {
    const who = `trial ${row.trial} (${row.id})`;
    if (row.phase !== 'finished') wrong.push(`${who} is ${row.phase}`);
    if (row.embeddings !== 1) wrong.push(`${who} has ${row.embeddings} published embeddings`);
    wrong.push(...(await checkMetrics(books, row)).map((text) => `${who}: ${text}`));
  }
  return wrong;
}

/** Every step has its loss exactly once, every evaluation is there, and nothing past the last step. @param {import('./books.mjs').Books} books @param {TrialRow} row */
async function checkMetrics(books, { id, certified_step: last }) {
  const rows = await books.ask(
    `select name, array_agg(step order by step) as steps from metrics
     where run_id = $1 and name in ('train_loss', 'eval_loss') group by name`,
    [id],
  );
  const steps = new Map(rows.map((row) => [row.name, row.steps.join()]));
  const every = (size) => Array.from({ length: Math.floor(last / size) }, (_, place) => (place + 1) * size);
  const wanted = { train_loss: every(1), eval_loss: every(evalEverySteps) };
  return Object.entries(wanted).flatMap(([name, expected]) =>
    steps.get(name) === expected.join()
      ? []
      : [`${name} at steps ${steps.get(name)} instead of 1 to ${last}`],
  );
}

/** A promoted trial was among the best 1 in eta of those then known, each once from each rung; nobody was lost. @param {import('./books.mjs').Books} books @param {string} sweepId */
export async function checkHalving(books, sweepId) {
  const wrong = [];
  const promotions = await books.ask(
    `select trial, at, data from sweep_decisions where sweep_id = $1 and kind = 'promote' order by seq`,
    [sweepId],
  );
  const results = await books.ask('select * from rung_results where sweep_id = $1', [sweepId]);
  const seen = new Set();
  for (const { trial, at, data } of promotions) {
    const key = `trial ${trial} from rung ${data.rung}`;
    if (seen.has(key)) wrong.push(`${key} was promoted twice`);
    seen.add(key);
    const known = results.filter(({ rung, reached_at: when }) => rung === data.rung && when <= at);
    const own = known.find((result) => result.trial === trial);
    const better = known.filter(({ merit }) => merit > (own?.merit ?? Infinity)).length;
    if (own === undefined || better >= Math.floor(known.length / eta)) {
      wrong.push(`${key} was place ${better + 1} of ${known.length} and was promoted`);
    }
  }
  const promoted = results.filter(({ is_promoted: is }) => is).length;
  if (promoted !== promotions.length)
    wrong.push(`${promoted} results are marked promoted, ${promotions.length} decisions say so`);
  const firstRung = results.filter(({ rung }) => rung === 1).length;
  if (firstRung !== trials) wrong.push(`${firstRung} of ${trials} trials came to the first rung`);
  return wrong;
}

/**
 * Steps that workers computed more than once, by their logs: a line is written for each step, and outlives kill -9.
 * @param {string} logs folder
 * @returns {Promise<Map<string, number>>} by run
 */
export async function recomputedSteps(logs) {
  const computed = new Map();
  for (const file of await readdir(logs)) {
    if (!file.startsWith('worker-')) continue;
    for (const line of (await readFile(join(logs, file), 'utf8')).split('\n')) {
      if (!line.includes('"message": "step"')) continue;
      const { run_id, step } = JSON.parse(line);
      const steps = computed.get(run_id) ?? new Map();
      computed.set(run_id, steps.set(step, (steps.get(step) ?? 0) + 1));
    }
  }
  return new Map(
    [...computed].map(([run, steps]) => [
      run,
      [...steps.values()].reduce((sum, times) => sum + times - 1, 0),
    ]),
  );
}

/** Attempts of a run that were lost. @param {TrialRow} row */
const lostAttempts = ({ restarts }) => Object.values(restarts).reduce((sum, count) => sum + count, 0);

/** @param {import('./books.mjs').Books} books @param {string} sweepId @param {Map<string, number>} recomputed */
export async function checkRecomputed(books, sweepId, recomputed) {
  return (await trialsOf(books, sweepId)).flatMap((row) => {
    const steps = recomputed.get(row.id) ?? 0;
    const allowed = checkpointEverySteps * lostAttempts(row);
    const lost = JSON.stringify(row.restarts);
    return steps > allowed
      ? [`trial ${row.trial} (${row.id}) computed ${steps} steps again, ${allowed} are allowed: ${lost}`]
      : [];
  });
}
