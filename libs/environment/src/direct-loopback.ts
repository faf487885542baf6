import type { Environment } from './environment.js';

/** The names of this machine's loopback, in the forms that programs compare with. */
const loopbackNames = ['127.0.0.1', 'localhost', '::1', '[::1]'];

/**
 * What a process needs in its environment so that it reaches this machine directly, whatever proxy a person has set:
 * every part of murnau that talks to another does so over loopback, where a proxy can only be in the way. Other hosts
 * keep their proxy, and what is excepted already stays excepted.
 *
 * Both cases of letters are given: programs that read both prefer one of them.
 */
export function loopbackExceptions(env: Environment): Record<string, string> {
  const lower = env['no_proxy']?.trim() || env['NO_PROXY']?.trim();
  const upper = env['NO_PROXY']?.trim() || lower;
  const grpc = env['no_grpc_proxy']?.trim();
  return {
    no_proxy: withLoopback(lower),
    NO_PROXY: withLoopback(upper),
    // gRPC asks it in place of no_proxy, and does not know the asterisk.
    ...((grpc || lower === '*') && { no_grpc_proxy: withLoopback(grpc) }),
  };
}

/** Sets them in a process's own environment. To be called before its first request. */
export function keepLoopbackDirect(env: Record<string, string | undefined>): void {
  Object.assign(env, loopbackExceptions(env));
}

/** The asterisk excepts every host, but only where it stands alone. */
function withLoopback(list: string | undefined): string {
  if (list === '*') return list;
  const given = list ? list.split(',') : [];
  return [...given, ...loopbackNames.filter((name) => !given.includes(name))].join(',');
}
