import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkHalving, checkTrials, recomputedSteps } from './checks.mjs';
import { faultKinds, planFaults } from './faults.mjs';
import { readOptions } from './options.mjs';
import { reportOf } from './report.mjs';

describe('the plan of faults', () => {
  it('hits each kind at least once a minute, the same for the same seed', () => {
    const faults = planFaults({ minutes: 3, seed: 5 });
    for (let minute = 0; minute < 3; minute += 1) {
      const kinds = faults.filter(({ atMs }) => Math.floor(atMs / 60_000) === minute).map(({ part }) => part);
      expect(new Set(kinds)).toEqual(new Set(faultKinds));
    }
    expect(planFaults({ minutes: 3, seed: 5 })).toEqual(faults);
    expect(planFaults({ minutes: 3, seed: 6 })).not.toEqual(faults);
    expect(new Set(planFaults({ minutes: 20, seed: 1 }).map(({ how }) => how))).toEqual(
      new Set(['kill', 'stop', 'work']),
    );
  });
});

describe('options', () => {
  it.each([
    ['--minutes', '0'],
    ['--minutes', 'two'],
    ['--seed', '-1'],
  ])('refuses %s %s', (name, value) => {
    expect(() => readOptions([`${name}=${value}`])).toThrow(`${name} ${value}`);
  });
});

describe('the report', () => {
  const fault = { name: 'worker-0', moment: 'step', runs_hit: 1, takeover_s: 1 };
  const kill = { ...fault, part: 'worker', how: 'kill' };
  const found = { wrong: [], stepsRecomputed: 3, bytesEqual: true, rounds: 2 };

  it('takes median and maximum of the faults that came alone', () => {
    const struck = [1, 4, 2].map((recovery_s) => ({ ...kill, recovery_s, is_alone: true }));
    const report = reportOf([...struck, { ...kill, recovery_s: 9, is_alone: false }], found);
    expect(report).toMatchObject({
      ok: true,
      kills: { worker_kill: 4 },
      recovery_s: { worker_kill: { median: 2, max: 4, count: 3 } },
      recovery_among_others_s: { worker_kill: { median: 9, max: 9, count: 1 } },
      steps_recomputed: 3,
      bytes_equal: true,
    });
  });

  it('is not ok where something is wrong', () => {
    expect(reportOf([], { ...found, wrong: ['a trial twice'] })).toMatchObject({
      ok: false,
      wrong: ['a trial twice'],
    });
  });
});

/** A store that answers each question by what it asks for. */
const booksWith = (answers) => ({
  ask: async (text) => Object.entries(answers).find(([part]) => text.includes(part))?.[1] ?? [],
});

describe('the checks', () => {
  const at = (second) => new Date(2026, 0, 1, 0, 0, second);
  const arrivals = Array.from({ length: 12 }, (_, trial) => ({
    rung: 1,
    trial,
    merit: trial,
    reached_at: at(trial),
    is_promoted: trial === 11,
  }));
  const promoted = (trial) => [{ trial, at: at(30), data: { rung: 1 } }];

  it('accept a promotion of the best', async () => {
    const books = booksWith({ sweep_decisions: promoted(11), rung_results: arrivals });
    expect(await checkHalving(books, 's')).toEqual([]);
  });

  it('name a promotion of one that was not among the best, and a lost trial', async () => {
    const lowly = booksWith({
      sweep_decisions: promoted(3),
      rung_results: arrivals.slice(1).map((result) => ({ ...result, is_promoted: result.trial === 3 })),
    });
    expect(await checkHalving(lowly, 's')).toEqual([
      'trial 3 from rung 1 was place 9 of 11 and was promoted',
      '11 of 12 trials came to the first rung',
    ]);
  });

  it('name trials that are missing or published twice, and steps that are missing', async () => {
    const row = { id: 'a', trial: 0, phase: 'finished', certified_step: 20, restarts: {}, embeddings: 2 };
    const books = booksWith({
      'from metrics': [{ name: 'train_loss', steps: [1, 2, 4] }],
      'from runs': [row],
    });
    const wrong = (await checkTrials(books, 's')).join('\n');
    expect(wrong).toContain('1 trials instead of 12');
    expect(wrong).toContain('2 published embeddings');
    expect(wrong).toContain('train_loss at steps 1,2,4');
    expect(wrong).toContain('eval_loss at steps undefined');
  });

  it('count steps that were computed twice by the workers’ logs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'murnau-chaos-spec-'));
    const line = (run, step) => `{"message": "step", "run_id": "${run}", "step": ${step}}\n`;
    await writeFile(join(folder, 'worker-0.log'), line('a', 1) + line('a', 2) + line('b', 1));
    await writeFile(join(folder, 'worker-1.log'), `${line('a', 2)}{"message": "serving"}\n`);
    expect(await recomputedSteps(folder)).toEqual(
      new Map([
        ['a', 1],
        ['b', 0],
      ]),
    );
    await rm(folder, { recursive: true });
  });
});
