import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Run, Sweep, SweepDecision } from '@murnau/domain';
import { Client, Connection, type WorkflowExecutionInfo } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository, StackUnderTest, until } from '../src/index.js';
import { Browser } from './browser.js';
import { factsOf, Owner, setUpTeam, type StackFacts, type SweepName, type Team } from './team.js';

/**
 * What a team sees in the Temporal UI, asked of Temporal itself. `MURNAU_BOARD_PICTURES=FOLDER` draws the pages of
 * docs/operating.md there, with Chromium.
 */

let folder: string;
let stack: StackUnderTest;
let facts: StackFacts;
let team: Team;
let connection: Connection;
let client: Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-team-'));
  stack = await StackUnderTest.up(['--model', 'kandinsky-2.1-small', '--simulate', '--slots', '8']);
  facts = await factsOf(stack);
  team = await setUpTeam(stack, folder);
  connection = await Connection.connect({ address: facts.temporal_address });
  client = new Client({ connection, namespace: facts.namespace });
}, 480_000);

afterAll(async () => {
  Owner.allLeave();
  await connection?.close();
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

async function listed(query: string): Promise<WorkflowExecutionInfo[]> {
  const found: WorkflowExecutionInfo[] = [];
  for await (const execution of client.workflow.list({ query })) found.push(execution);
  return found;
}

/** Trials that waited at a rung have several executions. */
const idsOf = (executions: readonly WorkflowExecutionInfo[]): string[] =>
  [...new Set(executions.map(({ workflowId }) => workflowId))].sort();

const attributesOf = ({ typedSearchAttributes }: WorkflowExecutionInfo): Record<string, unknown> =>
  Object.fromEntries(
    typedSearchAttributes
      .getAll()
      .filter(({ key }) => key.name.startsWith('Murnau'))
      .map(({ key, value }) => [key.name, value]),
  );

async function cardOf(workflowId: string): Promise<{ summary: string; details: string; current: string }> {
  const handle = client.workflow.getHandle(workflowId);
  const described = await handle.describe();
  const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return {
    summary: (await described.staticSummary()) ?? '',
    details: (await described.staticDetails()) ?? '',
    current: metadata.currentDetails ?? '',
  };
}

/** Summaries of activities or timers, oldest first. */
async function summariesOf(workflowId: string, kind: 'activity' | 'timer'): Promise<string[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const attributes = {
    activity: 'activityTaskScheduledEventAttributes',
    timer: 'timerStartedEventAttributes',
  } as const;
  return (events ?? [])
    .filter((event) => event[attributes[kind]] != null)
    .map(
      ({ userMetadata }) => JSON.parse(String(Buffer.from(userMetadata?.summary?.data ?? '""'))) as string,
    );
}

const sweepsOf = {
  ada: ['octopus-words', 'octopus-rates', 'octopus-halving'],
  grace: ['car-search', 'car-rates', 'car-objectives'],
  tove: ['star-words', 'star-halving', 'star-vectors'],
} as const satisfies Record<string, readonly SweepName[]>;

const openPhases: readonly string[] = ['running', 'waiting', 'paused'];

const runsOf = (owner: Owner): Promise<Run[]> =>
  owner.json<Run[]>('runs', 'ls', '--owner', owner.name, '--limit', '200');

describe('the board', () => {
  it('has ids that say what they are', () => {
    for (const [name, { id, workflow_id }] of Object.entries(team.sweeps)) {
      expect(workflow_id).toBe(`sweep/${name}/${id}`);
    }
    expect(team.failed.workflow_id).toBe(`run/octopus-spoilt/${team.failed.id}`);
  });

  it.each([
    ['octopus-words', 'ada', 'finished', 'oktavo', 'fish, cat'],
    ['octopus-rates', 'ada', 'finished', 'oktavo', 'fish'],
    ['octopus-halving', 'ada', 'waiting', 'oktavo', 'fish, cat'],
    ['car-search', 'grace', 'running', 'lumicar', 'car, purple'],
    ['car-rates', 'grace', 'paused', 'lumicar', 'car'],
    ['car-objectives', 'grace', 'finished', 'lumicar', 'car'],
    ['star-words', 'tove', 'running', 'stelo', 'star, green, flower'],
    ['star-halving', 'tove', 'finished', 'stelo', 'star'],
    ['star-vectors', 'tove', 'cancelled', 'stelo', 'star'],
  ] as const)('lists sweep %s of %s as %s', async (name, owner, phase, placeholder, initializer) => {
    const { id, workflow_id } = team.sweeps[name];
    const query = `WorkflowId="${workflow_id}" and ExecutionStatus="${openPhases.includes(phase) ? 'Running' : 'Completed'}"`;
    // The store knows of an end a little before the list does.
    const [execution, ...others] = await until(`${name} in the list`, async () => {
      const found = await listed(query);
      return found.length > 0 ? found : undefined;
    });
    expect(others).toEqual([]);
    const { MurnauStep, MurnauEvalLoss, MurnauImageAlignment, ...words } = attributesOf(execution!);
    expect(words).toEqual({
      MurnauKind: 'sweep',
      MurnauModel: 'kandinsky-2.1-small',
      MurnauSweep: id,
      MurnauOwner: owner,
      MurnauPhase: phase,
      MurnauPlaceholder: placeholder,
      MurnauInitializer: initializer,
    });
    if (phase === 'finished') {
      const { best_run_id } = team.sweeps[name];
      const { run } = await team.owners[owner].json<{ run: Run }>('runs', 'show', best_run_id!);
      expect(MurnauStep).toBe(run.certified_step);
      expect(String(MurnauEvalLoss)).toMatch(/^0\.\d{1,4}$/);
      expect(String(MurnauImageAlignment)).toMatch(/^0\.\d{1,4}$/);
    }
  });

  it('lists a trial with its words, and with scores that fit a column', async () => {
    const { id, workflow_id } = team.sweeps['octopus-words'];
    const [execution] = await listed(`WorkflowId="${workflow_id}/trial-00"`);
    const { MurnauEvalLoss, MurnauImageAlignment, ...others } = attributesOf(execution!);
    expect(others).toEqual({
      MurnauKind: 'run',
      MurnauModel: 'kandinsky-2.1-small',
      MurnauSweep: id,
      MurnauOwner: 'ada',
      MurnauPhase: 'finished',
      MurnauStep: 40,
      MurnauPlaceholder: 'oktavo',
      MurnauInitializer: 'fish',
    });
    expect(String(MurnauEvalLoss)).toMatch(/^0\.\d{1,4}$/);
    expect(String(MurnauImageAlignment)).toMatch(/^0\.\d{1,4}$/);
  });

  it('shows a paused sweep by its trials, which hold no device', async () => {
    const { id } = team.sweeps['car-rates'];
    const paused = await listed(`MurnauSweep="${id}" AND MurnauKind="run" AND MurnauPhase="paused"`);
    expect(paused).toHaveLength(2);
  });

  it('summarises sweeps and trials in a line', async () => {
    const { workflow_id } = team.sweeps['car-search'];
    const { summary, details } = await cardOf(workflow_id);
    expect(summary).toBe(
      'lumicar from “car”, “purple” · tpe over 12 trials by eval_gain · kandinsky-2.1-small',
    );
    expect(details).toContain(`(${facts.api_url}/sweeps/${team.sweeps['car-search'].id})** of grace`);
    const trial = await cardOf(`${workflow_id}/trial-00`);
    expect(trial.summary).toMatch(
      /^lumicar from “(car|purple)” · kandinsky-2.1-small · 100000 steps · learning_rate_t1 0\.\d{1,5} · learning_rate_t2 0\.\d{1,5}$/,
    );
    expect(trial.details).toContain('** of grace learns the word *lumicar*.');
  });

  it('says how each sweep stands, with its best trial and who decided what', async () => {
    const current = async (name: SweepName): Promise<string> =>
      (await cardOf(team.sweeps[name].workflow_id)).current;
    const words = await current('octopus-words');
    expect(words).toMatch(/^\*\*finished\*\* · 4 of 4 trials ended · \[leaderboard/);
    expect(words).toMatch(
      /Best by eval_gain:\n\n1\. \*\*0\.\d{4}\*\* \[trial \d\]\(.*\), finished at step 40 of 40: from “/,
    );
    expect(words).toContain('from “cat”, learning_rate_t1 0.05');
    expect(words).not.toMatch(/\d\.\d{6}/);
    expect(await current('octopus-rates')).toMatch(/: trial \d again, seed [123], learning_rate_t1 /);
    expect(await current('octopus-halving')).toContain('**Waits at rung 1 for somebody to pick:**');
    const paused = await current('car-rates');
    expect(paused).toMatch(/^\*\*paused\*\* · 0 of 4 trials ended · 2 paused · 2 queued/);
    expect(paused).toContain('**pause** by grace: the card is lent until noon');
    expect(await current('car-objectives')).toMatch(
      /^\*\*finished\*\* · 3 of 3 trials ended \([12] cancelled\)[^]*Nothing more is started: /,
    );
  });

  it('says who cancelled a sweep, and why', async () => {
    const { workflow_id } = team.sweeps['star-vectors'];
    expect((await cardOf(workflow_id)).current).toContain('**cancel** by tove: one vector is enough');
  });

  it('says how each run stands', async () => {
    const { current } = await cardOf(`${team.sweeps['octopus-words'].workflow_id}/trial-00`);
    expect(current).toMatch(/^\*\*finished\*\* at step 40 of 40/);
    expect(current).toMatch(/^- eval_gain: \*\*0\.\d{4}\*\*$/m);
    expect((await cardOf(team.failed.workflow_id)).current).toContain('**blob.corrupt**');
  });

  it('says what each activity and timer is about', async () => {
    const { sweeps } = team;
    const trial = `${sweeps['octopus-words'].workflow_id}/trial-00`;
    expect(await summariesOf(trial, 'activity')).toContain('steps 0–40, at most 4 s');
    const last = async ({ workflow_id }: Sweep): Promise<string | undefined> =>
      (await summariesOf(workflow_id, 'timer')).at(-1);
    expect(await last(sweeps['octopus-halving'])).toBe('until a person picks the winners at rung 1');
    expect(await last(sweeps['car-rates'])).toBe('until a person resumes it');
    expect(await last(sweeps['star-words'])).toBe('until a trial ends, or the store is read again');
  });
});

interface View {
  readonly name: string;
  readonly query: string;
  readonly url: string;
}

describe('a link of `murnau dashboards`', () => {
  async function viewOf(name: string): Promise<View> {
    const { views } = await team.owners.grace.json<{ views: View[] }>('dashboards');
    const view = views.find((one) => one.name === name);
    if (view === undefined) throw new Error(`no view ${name}`);
    const { origin, pathname, searchParams } = new URL(view.url);
    expect(origin + pathname).toBe(`${facts.temporal_ui_url}/namespaces/${facts.namespace}/workflows`);
    expect(searchParams.get('query')).toBe(view.query);
    expect((await client.workflow.count(view.query)).count).toBe((await listed(view.query)).length);
    return view;
  }

  it('my runs: those of whoever asks, and no others', async () => {
    const runs = await runsOf(team.owners.grace);
    const started = runs
      .filter(({ started_at }) => started_at !== null)
      .map(({ workflow_id }) => workflow_id);
    expect(started.length).toBeGreaterThanOrEqual(5);
    expect(idsOf(await listed((await viewOf('my runs')).query))).toEqual(started.sort());
  });

  it('failed today: what failed', async () => {
    const { query } = await viewOf('failed today');
    expect(idsOf(await listed(query))).toEqual([team.failed.workflow_id]);
    const tomorrow = query.replace(/StartTime>="[^"]*"/, `StartTime>="${new Date().toISOString()}"`);
    expect(await listed(tomorrow)).toEqual([]);
  });

  it('sweep board: all nine sweeps', async () => {
    const all = Object.values(team.sweeps).map(({ workflow_id }) => workflow_id);
    expect(idsOf(await listed((await viewOf('sweep board')).query))).toEqual(all.sort());
    for (const [owner, names] of Object.entries(sweepsOf)) {
      const own = await listed(`MurnauKind="sweep" AND MurnauOwner="${owner}"`);
      expect(idsOf(own)).toEqual(names.map((name) => team.sweeps[name].workflow_id).sort());
    }
  });

  it('waiting for somebody: the sweep at its gate and the paused one', async () => {
    const waiting = [team.sweeps['octopus-halving'], team.sweeps['car-rates']];
    expect(idsOf(await listed((await viewOf('waiting for somebody')).query))).toEqual(
      waiting.map(({ workflow_id }) => workflow_id).sort(),
    );
  });

  it('slowest: open runs that are older than an hour', async () => {
    const { query } = await viewOf('slowest');
    expect(await listed(query)).toEqual([]);
    const anHourLater = query.replace(/StartTime<"[^"]*"/, `StartTime<"${new Date().toISOString()}"`);
    const open = (await Promise.all(Object.values(team.owners).map(runsOf)))
      .flat()
      .filter(({ phase, started_at }) => started_at !== null && (phase === 'running' || phase === 'paused'));
    expect(open).toHaveLength(6);
    expect(idsOf(await listed(anHourLater))).toEqual(open.map(({ workflow_id }) => workflow_id).sort());
  });
});

const pictures = process.env['MURNAU_BOARD_PICTURES'] ?? '';

describe.runIf(pictures !== '')('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await Browser.open({ width: 1600, height: 700 });
  });
  afterAll(() => browser?.close());

  it('the pages are drawn with the columns of docs/operating.md', { timeout: 300_000 }, async () => {
    const text = await readFile(join(repository, 'docs/operating.md'), 'utf8');
    const preset = /^```js\n(.*?)^```/ms.exec(text)?.[1];
    if (preset === undefined) throw new Error('docs/operating.md has no preset');
    const base = `${facts.temporal_ui_url}/namespaces/${facts.namespace}/workflows`;
    const pageOf = async (workflowId: string): Promise<string> => {
      const { runId } = await client.workflow.getHandle(workflowId).describe();
      return `${base}/${encodeURIComponent(workflowId)}/${runId}/user-metadata`;
    };
    await browser.go(base, 'Workflows');
    await browser.evaluate(preset);
    const { views } = await team.owners.grace.json<{ views: View[] }>('dashboards');
    const urlOf = (view: string): string => views.find(({ name }) => name === view)?.url ?? base;
    await browser.go(urlOf('sweep board'), 'octopus-words');
    await browser.picture(join(pictures, 'board-sweeps.png'));
    await browser.go(urlOf('my runs'), 'car-search');
    await browser.picture(join(pictures, 'board-runs.png'));
    const { workflow_id } = team.sweeps['octopus-rates'];
    await browser.go(await pageOf(workflow_id), 'Best by eval_gain');
    await browser.picture(join(pictures, 'board-sweep.png'));
    await browser.go(await pageOf(`${workflow_id}/trial-00`), 'at step 40');
    await browser.picture(join(pictures, 'board-run.png'));
  });

  it(
    'the gallery shows finalists and what matters, and lets somebody pick',
    { timeout: 300_000 },
    async () => {
      const { sweeps, owners } = team;
      const { gallery } = await owners.grace.json<{ gallery: string }>('dashboards');
      await browser.go(gallery, 'octopus-rates');
      await browser.go(`${facts.api_url}/sweeps/${sweeps['octopus-rates'].id}`, 'standard deviation');
      expect(await browser.evaluate('document.querySelectorAll(".shares progress").length')).toBe(2);
      const { id } = sweeps['octopus-halving'];
      await browser.go(`${facts.api_url}/sweeps/${id}`, 'Pick the winners');
      await browser.evaluate(`
      document.getElementById('pick-2').click();
      document.getElementById('pick-why').value = 'the clearest';
      document.querySelector('form[data-post] button').click();
    `);
      const picked = await until('the pick', async () => {
        const decisions = await owners.ada.json<SweepDecision[]>('sweep', 'decisions', id);
        return decisions.find(({ kind, why }) => kind === 'promote' && why === 'the clearest');
      });
      expect(picked.trial).toBe(2);
    },
  );
});
