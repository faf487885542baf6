/** A failure that a person can mend: `message` says what is wrong, `mend` what to do. */
export class Problem extends Error {
  constructor(message, mend, { logTail } = {}) {
    super(message);
    this.mend = mend;
    this.logTail = logTail;
  }
}

const causes = [
  [
    /ENOSPC|No space left on device|disk quota exceeded/i,
    'The disk is full: free some space (about 2 GB with PyTorch for the CPU, 10 GB with CUDA) and run the command again; what was installed so far is kept.',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|Temporary failure in name resolution|NewConnectionError|Read timed out|Max retries exceeded|Could not find a version that satisfies/i,
    'The package registry did not answer. Check the network (and the proxy or mirror that npm and pip are set to use) and run the command again; what was installed so far is kept.',
  ],
  [
    /EACCES|EPERM|Permission denied/i,
    'This user may not write there. Own the checkout (chown -R) or clone it anew as this user.',
  ],
  [/ensurepip/i, 'This Python comes without venv. On Debian and Ubuntu: apt-get install python3-venv'],
];

/** What to do about a tool that failed, judged by what it printed. */
export function mendFor(output, logPath) {
  const known = causes.find(([pattern]) => pattern.test(output));
  return known ? known[1] : `The whole output is in ${logPath}. Run the command again after mending it.`;
}
