import { describe, expect, it } from 'vitest';
import { keepLoopbackDirect, loopbackExceptions } from './direct-loopback.js';

const loopback = '127.0.0.1,localhost,::1,[::1]';

describe('loopbackExceptions', () => {
  it('are given in both cases of letters', () => {
    expect(loopbackExceptions({})).toEqual({ no_proxy: loopback, NO_PROXY: loopback });
  });

  it('come behind what is excepted already, without naming a host twice', () => {
    expect(loopbackExceptions({ no_proxy: 'lower.example,::1', NO_PROXY: 'upper.example' })).toEqual({
      no_proxy: 'lower.example,::1,127.0.0.1,localhost,[::1]',
      NO_PROXY: `upper.example,${loopback}`,
    });
  });

  it('do not hide what only the other case of letters holds', () => {
    const both = { no_proxy: `a.example,${loopback}`, NO_PROXY: `a.example,${loopback}` };
    expect(loopbackExceptions({ NO_PROXY: 'a.example' })).toEqual(both);
    expect(loopbackExceptions({ no_proxy: 'a.example' })).toEqual(both);
    expect(loopbackExceptions({ no_proxy: '', NO_PROXY: 'a.example' })).toEqual(both);
  });

  it('leave an asterisk alone, and say to gRPC, which does not know it, what it means for loopback', () => {
    expect(loopbackExceptions({ NO_PROXY: '*' })).toEqual({
      no_proxy: '*',
      NO_PROXY: '*',
      no_grpc_proxy: loopback,
    });
  });

  it("are added to gRPC's own list, which hides the other", () => {
    expect(loopbackExceptions({ no_grpc_proxy: 'a.example' }).no_grpc_proxy).toBe(`a.example,${loopback}`);
  });

  it('name a host again that stands behind a blank, as gRPC compares the entries as they are', () => {
    expect(loopbackExceptions({ no_proxy: 'a, localhost' }).no_proxy).toBe(`a, localhost,${loopback}`);
  });

  it('stay as they are when a process gives them to its children', () => {
    const env: Record<string, string | undefined> = { NO_PROXY: 'a.example', no_grpc_proxy: 'b.example' };
    keepLoopbackDirect(env);
    const once = { ...env };
    keepLoopbackDirect(env);
    expect(env).toEqual(once);
  });
});
