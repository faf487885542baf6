import { errorRegistry } from '@murnau/domain';
import type { ErrorCode } from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import { restartPolicy } from './restart-policy.js';

const codes = Object.keys(errorRegistry) as ErrorCode[];

describe('restartPolicy', () => {
  it.each(codes)('%s: bad input is never tried again', (code) => {
    const { kind } = restartPolicy({ code, shared: false, died: false });
    const isInput = errorRegistry[code].httpStatus === 422;
    if (isInput) expect(kind).toBe('fail');
  });

  it('lets a lost worker or a restarting store cost nothing', () => {
    for (const code of [
      'worker.lost',
      'worker.unavailable',
      'storage.full',
      'storage.unavailable',
    ] as const) {
      expect(restartPolicy({ code, shared: false, died: false }).kind).toBe('free');
    }
  });

  it('tells the death of a worker from a connection that broke', () => {
    const lost = { code: 'worker.lost', shared: false } as const;
    expect(restartPolicy({ ...lost, died: true })).toEqual({ kind: 'free', cause: 'worker_died' });
    expect(restartPolicy({ ...lost, died: false })).toEqual({ kind: 'free', cause: 'worker' });
  });

  it('blames the neighbours for a full device, and the run only when it was alone', () => {
    expect(restartPolicy({ code: 'device.out_of_memory', shared: true, died: false }).kind).toBe('counted');
    expect(restartPolicy({ code: 'device.out_of_memory', shared: false, died: false }).kind).toBe('fail');
  });

  it('says nothing when another attempt has the run', () => {
    expect(restartPolicy({ code: 'claim.fenced', shared: false, died: false }).kind).toBe('fenced');
    expect(restartPolicy({ code: 'claim.stale', shared: true, died: false }).kind).toBe('fenced');
  });
});
