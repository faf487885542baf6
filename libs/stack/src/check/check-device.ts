import { availableParallelism, freemem, totalmem } from 'node:os';
import { basename } from 'node:path';
import { askPython } from './ask-python.js';
import type { Check } from './check.js';

const describeDevice = `
import torch
if torch.cuda.is_available():
    print(f"{torch.cuda.get_device_name(0)}, {torch.cuda.get_device_properties(0).total_memory / 2**30:.0f} GiB")
else:
    print("no GPU")
print(torch.__version__)
`;

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** Imports torch, which takes some seconds: it is also the check that torch works. */
export async function checkDevice(python: string): Promise<Check> {
  if (!basename(python).startsWith('python'))
    return { part: 'device', ok: true, detail: 'not looked at: no Python worker' };
  try {
    const [gpu = '', torch = ''] = (await askPython(python, describeDevice)).split('\n').slice(-2);
    const cpu = `${availableParallelism()} CPU cores, ${gib(freemem())} of ${gib(totalmem())} memory free`;
    return { part: 'device', ok: true, detail: `${gpu}; ${cpu}; torch ${torch}` };
  } catch (error) {
    return {
      part: 'device',
      ok: false,
      detail: `torch cannot be imported: ${(error as Error).message}`,
      mend: 'npm run bootstrap',
    };
  }
}
