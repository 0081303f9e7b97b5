import type { Listener, Program } from './server.ts';

/** A server in Go: what it says when its port is taken, and that it ends on SIGTERM. */
export function goServer(
  process: string,
  listeners: readonly Listener[],
  greeting: readonly string[],
): Program & { readonly kind: 'server' } {
  return {
    kind: 'server',
    process,
    listeners,
    greeting,
    bindError: ({ protocol, port, address }) =>
      `listen ${protocol.toLowerCase()} ${address ?? ''}:${port}: bind: address already in use`,
    bindExit: 1,
    onTerm: { kind: 'exit', code: 0 },
  };
}
