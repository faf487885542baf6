import { MurnauError } from '@murnau/domain';
import { describe, expect, test } from 'vitest';
import { refuseUnusablePorts } from './ports.js';

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
