import { join } from 'node:path';
import type { ApiClient } from '@murnau/api-client';
import { baselineWordOf, MurnauError } from '@murnau/domain';
import type { Leaderboard, Run, Sweep } from '@murnau/domain';
import type { Spell } from '../../core/command-name.js';
import type { Output } from '../../core/io.js';
import { duration, metric, plural } from '../../output/format.js';
import { writeFileTo } from '../../output/files.js';
import { leaderboardLines } from '../../output/leaderboard.js';
import { fieldLines } from '../../output/table.js';
import type { Addresses } from '../../stack/addresses.js';
import { demoSheet } from './contact-sheet.js';
import type { Milestones } from './milestones.js';

/** The last line of `demo --once`; seconds from the end of set-up. */
export interface DemoReport {
  readonly first_step_s: number | null;
  readonly first_picture_s: number | null;
  readonly total_s: number;
  readonly trials: number;
  readonly best_run: string;
  readonly image_alignment: number | null;
  readonly baseline_image_alignment: number | null;
  readonly contact_sheet: string;
}

interface DemoFiles {
  readonly embedding: string;
  readonly contactSheet: string;
}

const tenths = (seconds: number): number => Math.round(seconds * 10) / 10;

/** @throws MurnauError of the first failed trial, when none has finished */
export function bestOf(sweep: Sweep, board: Leaderboard): Run {
  const finished = board.runs.filter(({ phase }) => phase === 'finished');
  const best = finished.find(({ id }) => id === sweep.best_run_id) ?? finished[0];
  if (best !== undefined) return best;
  const reason = sweep.failure ?? board.runs.find(({ failure }) => failure !== null)?.failure;
  const message = reason === undefined || reason === null ? `it is ${sweep.phase}` : reason.message;
  const code = sweep.phase === 'cancelled' ? 'run.cancelled' : 'internal';
  throw new MurnauError(code, `no trial of the demo's sweep ${sweep.id} has finished: ${message}`);
}

/** Writes the best embedding and the contact sheet. @param folder absolute */
export async function writeDemoFiles(client: ApiClient, best: Run, folder: string): Promise<DemoFiles> {
  const word = best.spec.placeholder_token;
  const files = {
    embedding: join(folder, `${word}.safetensors`),
    contactSheet: join(folder, `${word}.png`),
  };
  if (best.embedding_id === null) throw new MurnauError('internal', `run ${best.id} has left no embedding`);
  await writeFileTo(files.embedding, await client.embeddingFile(best.embedding_id, 'safetensors'));
  await writeFileTo(files.contactSheet, await demoSheet(client, best));
  return files;
}

export function demoReport(board: Leaderboard, best: Run, times: Milestones, files: DemoFiles): DemoReport {
  return {
    first_step_s: times.firstStep === undefined ? null : tenths(times.firstStep),
    first_picture_s: times.firstPicture === undefined ? null : tenths(times.firstPicture),
    total_s: tenths(times.seconds(Date.now())),
    trials: board.runs.length,
    best_run: best.id,
    image_alignment: best.metrics['image_alignment'] ?? null,
    baseline_image_alignment: best.metrics['baseline_image_alignment'] ?? null,
    contact_sheet: files.contactSheet,
  };
}

const alignmentText = (best: Run): string | undefined => {
  const { image_alignment: learnt, baseline_image_alignment: before } = best.metrics;
  if (learnt === undefined || before === undefined) return undefined;
  return `${metric('', learnt)} with "${best.spec.placeholder_token}", ${metric('', before)} with "${baselineWordOf(best)}"`;
};

const after = (seconds: number | null): string | undefined =>
  seconds === null ? undefined : `after ${duration(seconds)}`;

interface DemoEnd {
  readonly report: DemoReport;
  readonly board: Leaderboard;
  readonly best: Run;
  readonly files: DemoFiles;
  /** Absent: everything is about to stop. */
  readonly addresses: Addresses | undefined;
  /** Commands that make `murnau` work in every folder. */
  readonly everywhere: readonly string[];
}

/** What a visitor reads at the end. */
export function printDemoEnd(output: Output, end: DemoEnd, spell: Spell): void {
  const { report, board, best, files, addresses, everywhere } = end;
  const { colours } = output;
  output.line();
  for (const line of leaderboardLines(board, colours)) output.line(line);
  output.line();
  const fields = [
    ['best run', `${best.name} ${best.id} of ${plural(report.trials, 'trial')}`],
    ['image alignment', alignmentText(best)],
    ['contact sheet', files.contactSheet],
    ['embedding', files.embedding],
    ['first step', after(report.first_step_s)],
    ['first picture', after(report.first_picture_s)],
    ['end', after(report.total_s)],
    ['gallery', addresses?.gallery],
    ['Temporal UI', addresses?.temporal_ui],
  ] as const;
  for (const line of fieldLines(fields, colours)) output.line(line);
  if (addresses === undefined) return;
  output.line();
  const word = best.spec.placeholder_token;
  output.line('It stays up. Go on with it:');
  output.line(spell(`  murnau generate "a photo of ${word} on a blue background"`));
  output.line(spell('  murnau down'));
  output.line('For `murnau` in every folder, and completion in each new shell:');
  for (const line of everywhere) output.line(`  ${line}`);
}
