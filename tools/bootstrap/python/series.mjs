/** Python versions that murnau runs on, newest first; each has a file in python-worker/locks. */
export const seriesNewestFirst = ['3.14', '3.13', '3.12', '3.11'];

/** @param {string} version as in '3.12.1' @returns {string} as in '3.12' */
export const seriesOf = (version) => version.split('.').slice(0, 2).join('.');

/** Path of the lock file of a version, relative to the checkout. */
export const lockFileOf = (series) => `python-worker/locks/python-${series}.lock`;

/** Installed first and alone; everything else comes from the lock file. */
export const torchPin = 'torch==2.13.0';
