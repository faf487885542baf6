// Everything bootstrap says goes to stderr: stdout belongs to the command that runs after it.
const quiet = process.env.MURNAU_BOOTSTRAP_QUIET === '1';
let indented = false;

export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** Prints one line, after a heading the first time something is really done. */
export function say(line) {
  if (quiet) return;
  if (!indented) {
    indented = true;
    process.stderr.write(
      'Setting murnau up: Node packages in node_modules, Python packages in python-worker/.venv; outside this folder only\n' +
        'the caches of npm, pip and buf. In all 0.6 GB to download and 2.5 GB of disk with PyTorch for the CPU, 3 and 9 GB\n' +
        'with CUDA; 1 to 5 minutes, next time seconds. What is in place already is kept, also when this is broken off.\n',
    );
  }
  process.stderr.write(`  ${line}\n`);
}

/** Prints one line by itself. */
export function note(line) {
  if (!quiet) process.stderr.write(`${line}\n`);
}

export const saidSomething = () => indented;
