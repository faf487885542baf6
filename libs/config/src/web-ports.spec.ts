import { describe, expect, it } from 'vitest';
import { isRefusedByBrowsers, webPortSchema } from './web-ports.js';

/** fetch looks at the port before it opens anything. */
async function isRefusedByFetch(port: number): Promise<boolean> {
  const failure: unknown = await fetch(`http://127.0.0.1:${port}`, {
    dispatcher: {
      dispatch: () => {
        throw new Error('opened');
      },
    },
  } as unknown as RequestInit).catch((error: unknown) => error);
  return String((failure as Error).cause).includes('bad port');
}

describe('isRefusedByBrowsers', () => {
  it('holds every port below 11,000 that fetch refuses', async () => {
    const missing: number[] = [];
    for (let port = 1; port < 11_000; port += 1) {
      if ((await isRefusedByFetch(port)) && !isRefusedByBrowsers(port)) missing.push(port);
    }
    expect(missing).toEqual([]);
    expect(await isRefusedByFetch(10_080)).toBe(true);
    expect(await isRefusedByFetch(7800)).toBe(false);
  });
});

describe('webPortSchema', () => {
  it('takes a port that browsers open, and says of another what is allowed', () => {
    expect(webPortSchema.parse('7800')).toBe(7800);
    expect(webPortSchema.safeParse('10080').error?.issues[0]?.message).toContain('that browsers open');
    expect(webPortSchema.safeParse('70000').success).toBe(false);
  });
});
