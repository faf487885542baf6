import { withLock } from './lock.mjs';
import { Problem } from './problem.mjs';
import { root } from './root.mjs';
import { killRunning } from './run.mjs';
import { note, saidSomething, say, seconds } from './say.mjs';
import { buildTypeScript, buildWorkflowBundle } from './steps/build.mjs';
import { generatePython, generateTypeScript } from './steps/generate.mjs';
import { installNodePackages } from './steps/node-packages.mjs';
import { preparePython } from './steps/python.mjs';

/** Says what a step does when it really does something, and how long it took. */
async function step(name, work) {
  const started = performance.now();
  const reason = await work((line) => say(`${name}: ${line}`));
  if (reason) say(`✓ ${name} (${seconds(performance.now() - started)})`);
}

async function nodeBranch() {
  await step('Node packages', installNodePackages);
  await step('gRPC code for TypeScript', generateTypeScript);
  await step('TypeScript', buildTypeScript);
  await step('workflow bundle', buildWorkflowBundle);
}

async function pythonBranch() {
  await step('Python packages', preparePython);
  await step('gRPC code for Python', generatePython);
}

/** What some tool of the set-up cannot take in the checkout's path; spaces, quotes, # % , and letters work. */
const refusedInPath = [
  ['?', 'webpack, which bundles the workflows, takes it for a query'],
  ['!', 'webpack, which bundles the workflows, takes it for a loader'],
  [':', 'protoc takes it for the end of a path'],
  ['\n', 'Python does not find the worker behind a line break'],
  ['\r', 'Python does not find the worker behind a line break'],
];

function checkPath() {
  for (const [character, why] of refusedInPath) {
    if (!root.includes(character)) continue;
    const named = /\s/.test(character) ? 'a line break' : `a "${character}"`;
    throw new Problem(
      `The path of this checkout holds ${named}: ${JSON.stringify(root)}. ${why[0].toUpperCase()}${why.slice(1)}.`,
      'Move or clone it to a path without one, and run the command again.',
    );
  }
}

/** What to know about the Node that runs this, or null. */
function nodeAdvice() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major === 20) return 'Node 20 has reached its end of life: Node 24 is recommended';
  if (major > 24) return `Node ${major} is newer than the versions that murnau is tried with (20.19 to 24)`;
  return null;
}

/** Brings the checkout into a state in which everything runs. Never throws. */
export async function bootstrap() {
  const started = performance.now();
  const onSignal = (signal) => {
    killRunning();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    checkPath();
    await withLock(() => Promise.all([nodeBranch(), pythonBranch()]));
    const took = seconds(performance.now() - started);
    if (saidSomething()) {
      if (nodeAdvice()) say(nodeAdvice());
      say(`ready after ${took}`);
    } else note(`murnau is set up (checked in ${took})`);
    return { ok: true };
  } catch (error) {
    killRunning();
    if (!(error instanceof Problem)) {
      console.error('Set-up failed:', error);
    } else {
      if (error.logTail) console.error(`\n${error.logTail.replace(/^/gm, '  | ')}`);
      console.error(`\nSet-up stopped: ${error.message}\n${error.mend}`);
    }
    return { ok: false };
  } finally {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
}
