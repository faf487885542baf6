import { MurnauError } from '@murnau/domain';
import { describe, expect, test } from 'vitest';
import { identify } from '@murnau/supervisor';
import type { StackState } from '../../state.js';
import { refuseOtherPorts, refuseUnusablePorts } from './ports.js';

const none = { api: null, temporal: null, temporal_ui: null, advisor: null, worker: null };

const refusalOf = (
  ports: Partial<Record<keyof typeof none, number>>,
  workers = 1,
): MurnauError | undefined => {
  try {
    refuseUnusablePorts({ ports: { ...none, ...ports }, workers });
  } catch (error) {
    if (error instanceof MurnauError) return error;
    throw error;
  }
  return undefined;
};

describe('a port that was asked for', () => {
  test('is no port that browsers refuse, where pages are served', () => {
    expect(refusalOf({ api: 10_080 })).toMatchObject({ code: 'setup.port_unusable', field: 'ports.api' });
    expect(refusalOf({ temporal_ui: 6000 })?.message).toContain('browsers and fetch refuse to open');
    expect(refusalOf({ temporal: 6000, advisor: 10_080, worker: 6665 })).toBeUndefined();
  });

  test('is a port', () => {
    expect(refusalOf({ api: 65_536 })?.allowed).toBe('a port from 1 to 65535');
    expect(refusalOf({ worker: 65_535 }, 2)).toMatchObject({ field: 'ports.worker-1', given: '65536' });
    expect(refusalOf({ api: 65_535 })).toBeUndefined();
  });

  test('is asked for once', () => {
    expect(refusalOf({ api: 9000, temporal: 9000 })?.message).toContain(
      'was asked for as that of api as well',
    );
    expect(refusalOf({ advisor: 9001, worker: 9000 }, 2)?.message).toContain('worker-1');
    expect(refusalOf({ advisor: 9001, worker: 9000 }, 1)).toBeUndefined();
  });
});

describe('another port than that of a part that lives', () => {
  const part = async (name: string, port: number, isAlive = true) => ({
    ...{ name, port, state: 'ready' as const, log: '', restarts: 0, failures_in_a_row: 0 },
    pid: process.pid,
    started: isAlive ? (await identify(process.pid))?.started : 'earlier',
  });
  const refusal = async (ports: Partial<Record<keyof typeof none, number>>): Promise<unknown> => {
    const parts = [
      await part('worker-0', 7840),
      await part('worker-1', 7850),
      await part('temporal', 7833),
      await part('advisor', 7835, false),
      await part('api', 7801),
    ];
    const state = { temporal_ui_url: 'http://127.0.0.1:7834', parts } as StackState;
    return refuseOtherPorts({ ports: { ...none, ...ports }, workers: 2 }, state).catch(
      (error: unknown) => error,
    );
  };

  test.each([
    [{ api: 7900 }, 'ports.api', '7900', 7801],
    [{ temporal: 7900 }, 'ports.temporal', '7900', 7833],
    [{ temporal_ui: 7900 }, 'ports.temporal_ui', '7900', 7834],
    [{ worker: 7900 }, 'ports.worker-0', '7900', 7840],
    [{ worker: 7840 }, 'ports.worker-1', '7841', 7850],
  ])('is refused: %j', async (ports, field, given, running) => {
    const error = await refusal(ports);
    expect(error).toMatchObject({ code: 'setup.port_unusable', field, given });
    expect((error as MurnauError).message).toContain(`runs on port ${running}: murnau down first, then up`);
  });

  test('is no matter where it is the same, the part is gone, or nothing runs', async () => {
    expect(await refusal({ api: 7801, temporal: 7833, temporal_ui: 7834 })).toBeUndefined();
    expect(await refusal({ advisor: 7900 })).toBeUndefined();
    await expect(
      refuseOtherPorts({ ports: { ...none, api: 7900 }, workers: 1 }, null),
    ).resolves.toBeUndefined();
  });
});
