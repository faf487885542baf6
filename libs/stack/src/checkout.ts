import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout: this file lies in libs/stack/dist. */
export const checkout = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

export const virtualEnvironment = join(checkout, 'python-worker/.venv');
