import { connectTemporal, describeNamespace, temporalNamespace } from '../parts/temporal-api.js';
import type { Check } from './check.js';

export async function checkNamespace(address: string): Promise<Check> {
  const part = 'temporal namespace';
  try {
    const connection = await connectTemporal(address);
    try {
      const { retentionDays, missingAttributes } = await describeNamespace(connection);
      const ok = missingAttributes.length === 0;
      return {
        part,
        ok,
        detail: ok
          ? `${temporalNamespace}, retention ${retentionDays} days, search attributes complete`
          : `search attributes missing: ${missingAttributes.join(', ')}`,
        ...(!ok && { mend: 'murnau down, then murnau up' }),
      };
    } finally {
      await connection.close();
    }
  } catch (error) {
    return {
      part,
      ok: false,
      detail: `${address} does not answer: ${(error as Error).message}`,
      mend: 'murnau up',
    };
  }
}
