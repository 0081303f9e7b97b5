/** What a looked-up route means: to a program whose packet takes it, and in a record. */
import { formatIp, isAny, type Ip } from './address.ts';
import type { Decision } from './decision.ts';
import type { Errno } from './errno.ts';
import { formatRoute, tableName, type RouteResult } from './route.ts';

/** What a program hears when its packet has no way. */
export function routeError(route: RouteResult): Errno | undefined {
  switch (route.kind) {
    case 'unicast':
    case 'local':
    case 'broadcast':
    case 'multicast':
      return undefined;
    case 'none':
      return 'ENETUNREACH';
    case 'unreachable':
      return 'EHOSTUNREACH';
    case 'prohibit':
      return 'EACCES';
    case 'blackhole':
      return 'EINVAL';
  }
}

/** What a record says of it. */
export function routeDecision(route: RouteResult | undefined, dst: Ip): Decision {
  const text = formatIp(dst);
  const entry = route?.route;
  if (route === undefined || entry === undefined) {
    if (route?.kind === 'blackhole' || route?.kind === 'unreachable' || route?.kind === 'prohibit')
      return { code: `route-${route.kind}`, dst: text, table: '', entry: '' };
    return { code: 'route-none', dst: text };
  }
  const line = formatRoute(entry);
  if (route.kind === 'blackhole' || route.kind === 'unreachable' || route.kind === 'prohibit')
    return { code: `route-${route.kind}`, dst: text, table: tableName(entry.table), entry: line };
  if (route.kind === 'local' || route.kind === 'broadcast')
    return { code: 'route-local', dst: text, entry: line, dev: route.dev?.name ?? 'lo' };
  return {
    code: 'route',
    dst: text,
    table: tableName(entry.table),
    entry: line,
    dev: route.dev?.name ?? '',
    ...(route.gateway === undefined ? {} : { via: formatIp(route.gateway) }),
    ...(isAny(route.src) ? {} : { src: formatIp(route.src) }),
  };
}
