import { Command, CommanderError } from 'commander';
import { MurnauError } from '@murnau/domain';
import { registerDashboards } from './commands/dashboards/dashboards.js';
import { registerDatasetsAdd } from './commands/datasets/add.js';
import { registerDatasetsLs } from './commands/datasets/ls.js';
import { registerDatasetsShow } from './commands/datasets/show.js';
import { registerDemo } from './commands/demo/demo.js';
import { registerEmbeddingsExport } from './commands/embeddings/export.js';
import { registerEmbeddingsImport } from './commands/embeddings/import.js';
import { registerEmbeddingsLs } from './commands/embeddings/ls.js';
import { registerModelsAdd } from './commands/models/add.js';
import { registerModelsConvert } from './commands/models/convert.js';
import { registerModelsLs } from './commands/models/ls.js';
import { registerModelsRm } from './commands/models/rm.js';
import { registerFuse } from './commands/pictures/fuse.js';
import { registerGenerate } from './commands/pictures/generate.js';
import { registerImageToImage } from './commands/pictures/img2img.js';
import { registerInpaint } from './commands/pictures/inpaint.js';
import { registerRunsCancel } from './commands/runs/cancel.js';
import { registerRunsLs } from './commands/runs/ls.js';
import { registerRunsShow } from './commands/runs/show.js';
import { registerRunsWatch } from './commands/runs/watch.js';
import { registerDoctor } from './commands/stack/doctor.js';
import { registerDown } from './commands/stack/down.js';
import { registerUp } from './commands/stack/up.js';
import { registerSweepCancel } from './commands/sweep/cancel.js';
import { registerSweepCreate } from './commands/sweep/create.js';
import { registerSweepDescribe } from './commands/sweep/describe.js';
import { registerSweepLs } from './commands/sweep/ls.js';
import { registerSweepWatch } from './commands/sweep/watch.js';
import { registerSweepDropTrial } from './commands/sweep/drop-trial.js';
import { registerSweepDecisions } from './commands/sweep/decisions.js';
import { registerSweepPause } from './commands/sweep/pause.js';
import { registerSweepResume } from './commands/sweep/resume.js';
import { registerSweepPick } from './commands/sweep/pick.js';
import { registerSweepRetry } from './commands/sweep/retry.js';
import { registerSweepSetConcurrency } from './commands/sweep/set-concurrency.js';
import { registerSweepStop } from './commands/sweep/stop.js';
import { registerRunsPause } from './commands/runs/pause.js';
import { registerRunsResume } from './commands/runs/resume.js';
import { registerRunsStop } from './commands/runs/stop.js';
import { registerSweepExtend } from './commands/sweep/extend.js';
import { registerSweepAddPair } from './commands/sweep/add-pair.js';
import { registerSweepExport } from './commands/sweep/export.js';
import { registerRunsFork } from './commands/runs/fork.js';
import { registerRunsLogs } from './commands/runs/logs.js';
import { registerRunsCompare } from './commands/runs/compare.js';
import { registerTrain } from './commands/train/train.js';
import { registerWorkers } from './commands/workers/workers.js';
import { group } from './core/command.js';
import type { Host } from './core/command.js';
import { createContext } from './core/context.js';
import { exitCodes } from './core/exit-codes.js';
import type { Io } from './core/io.js';
import { reportError } from './core/report-error.js';
import type { Environment } from './env.js';
import { version } from './version.js';

/** The whole command line; building it reads and starts nothing. */
export function buildProgram(host: Host, io: Io): Command {
  const program = new Command('murnau')
    .description('Teaches Kandinsky 2.1 new words from a few pictures.')
    .version(version, '--version', 'show the version')
    .helpCommand('help [command]', 'show the help of a command')
    .option('--profile <name>', 'use another server, by its name in profiles.json')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out.write(text),
      writeErr: (text) => io.err.write(text),
      // Errors are written once, by reportError.
      outputError: () => {},
      getOutHelpWidth: () => Math.min(110, io.out.isTerminal ? io.out.columns() : 100),
    });
  registerUp(program, host);
  registerDown(program, host);
  registerDoctor(program, host);
  registerDemo(program, host);
  const datasets = group(program, 'datasets', 'pictures to learn from');
  registerDatasetsAdd(datasets, host);
  registerDatasetsLs(datasets, host);
  registerDatasetsShow(datasets, host);
  registerTrain(program, host);
  const sweep = group(program, 'sweep', 'many runs over words and hyper-parameters');
  registerSweepCreate(sweep, host);
  registerSweepLs(sweep, host);
  registerSweepWatch(sweep, host);
  registerSweepDescribe(sweep, host);
  registerSweepDecisions(sweep, host);
  registerSweepPause(sweep, host);
  registerSweepResume(sweep, host);
  registerSweepStop(sweep, host);
  registerSweepSetConcurrency(sweep, host);
  registerSweepDropTrial(sweep, host);
  registerSweepRetry(sweep, host);
  registerSweepPick(sweep, host);
  registerSweepExtend(sweep, host);
  registerSweepAddPair(sweep, host);
  registerSweepExport(sweep, host);
  registerSweepCancel(sweep, host);
  const runs = group(program, 'runs', 'single trainings');
  registerRunsLs(runs, host);
  registerRunsShow(runs, host);
  registerRunsWatch(runs, host);
  registerRunsPause(runs, host);
  registerRunsResume(runs, host);
  registerRunsStop(runs, host);
  registerRunsLogs(runs, host);
  registerRunsCompare(runs, host);
  registerRunsFork(runs, host);
  registerRunsCancel(runs, host);
  const embeddings = group(program, 'embeddings', 'learnt words');
  registerEmbeddingsLs(embeddings, host);
  registerEmbeddingsExport(embeddings, host);
  registerEmbeddingsImport(embeddings, host);
  registerGenerate(program, host);
  registerFuse(program, host);
  registerInpaint(program, host);
  registerImageToImage(program, host);
  const models = group(program, 'models', 'checkpoints of Kandinsky 2.1');
  registerModelsLs(models, host);
  registerModelsAdd(models, host);
  registerModelsRm(models, host);
  registerModelsConvert(models, host);
  registerWorkers(program, host);
  registerDashboards(program, host);
  return program;
}

/** Commands that do something, as `sweep create`, with the commander object of each. */
export function leavesOf(command: Command, path: readonly string[] = []): Map<string, Command> {
  const leaves = new Map<string, Command>();
  for (const child of command.commands) {
    const childPath = [...path, child.name()];
    if (child.commands.length === 0) leaves.set(childPath.join(' '), child);
    for (const [name, leaf] of leavesOf(child, childPath)) leaves.set(name, leaf);
  }
  return leaves;
}

const silent = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

/** Commander's complaint as one of ours: what is wrong, the nearest known word, and whose help to read. */
function usageError(error: CommanderError): MurnauError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const hint = rest.join(' ').replace(/^\(|\)$/g, '');
  return new MurnauError('usage.invalid', hint === '' ? first : `${first}. ${hint}`, { cause: error });
}

/** Runs one command. @param args without the program's name. @returns the exit code. */
export async function main(args: readonly string[], io: Io, environment: Environment): Promise<number> {
  let exitCode: number = exitCodes.done;
  const host: Host = {
    context: (options) => createContext(io, environment, options),
    exitWith: (code) => (exitCode = code),
  };
  try {
    await buildProgram(host, io).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.code === 'commander.help' && error.exitCode !== 0) return exitCodes.usage;
      if (silent.has(error.code)) return exitCodes.done;
    }
    const known = error instanceof CommanderError ? usageError(error) : error;
    return reportError(known, io, args.includes('--json'));
  }
}
