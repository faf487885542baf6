import { fileURLToPath } from 'node:url';

/** Written by `npm run bundle`. */
export const bundlePath = fileURLToPath(new URL('./workflow-bundle.js', import.meta.url));
