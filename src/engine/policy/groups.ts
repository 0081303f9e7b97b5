import {
  addIp,
  formatIp,
  isIpv6,
  lastIp,
  maskIp,
  parseIp,
  parsePrefix,
  prefixContains,
} from '../net/address.ts';
import { blocksOf } from './classes.ts';
import type { PolicyEndpoint } from './endpoint.ts';
import type { Endpoint } from './inventory.ts';
import type { CompiledPolicies } from './policies.ts';

/** Endpoints that are shown as one: policies treat them alike. */
export interface ReachGroup {
  /**
   * `shop/web`, `shop/web[Deployment]`, `10.0.0.0/8`; `outside` for every address that no policy names. Of several members the
   * first one's, or their controller's.
   */
  readonly name: string;
  readonly kind: 'pods' | 'outside';
  /** Names of all that are in it. */
  readonly members: readonly string[];
  /** Ports that the containers declare: what a reader asks about first. */
  readonly declared: readonly {
    readonly protocol: 'TCP' | 'UDP' | 'SCTP';
    readonly port: number;
    readonly name?: string;
  }[];
  /** One that stands for all. */
  readonly representative: PolicyEndpoint;
}

/** More rows than this are folded by class: nobody reads them one by one. */
const ONE_BY_ONE = 40;

/** An address that belongs to nobody: documentation's (RFC 5737, RFC 3849). */
const SOMEWHERE = ['203.0.113.10', '2001:db8::10'];

export function endpointName({ namespace, name, kind }: Endpoint): string {
  return kind === 'Pod' ? `${namespace}/${name}` : `${namespace}/${name}[${kind}]`;
}

/**
 * Groups of endpoints for showing. `classOf` tells endpoints apart as the policies do; pods that their own controller's
 * manifest stands for are not shown beside it.
 */
export function groupEndpoints(
  endpoints: readonly Endpoint[],
  classOf: (endpoint: Endpoint) => string,
): readonly ReachGroup[] {
  const byName = new Map(endpoints.map((one) => [`${one.namespace} ${one.kind}/${one.name}`, one]));
  const shown = endpoints.filter((one) => {
    const owner = one.owner === undefined ? undefined : byName.get(`${one.namespace} ${one.owner}`);
    return owner === undefined || classOf(owner) !== classOf(one);
  });
  const fold = shown.length > ONE_BY_ONE;
  const groups = new Map<string, Endpoint[]>();
  for (const one of shown) {
    const alone =
      one.owner === undefined ? endpointName(one) : `${one.namespace} ${one.owner} ${classOf(one)}`;
    const key = fold ? classOf(one) : alone;
    const same = groups.get(key);
    if (same === undefined) groups.set(key, [one]);
    else same.push(one);
  }
  const owners = new Map<string, number>();
  for (const members of groups.values()) {
    const owner = fold ? undefined : ownerName(members[0]);
    if (owner !== undefined) owners.set(owner, (owners.get(owner) ?? 0) + 1);
  }
  return [...groups.values()]
    .flatMap((members): ReachGroup[] => {
      const sorted = members.toSorted((a, b) => (endpointName(a) < endpointName(b) ? -1 : 1));
      const [first] = sorted;
      if (first === undefined) return [];
      const names = sorted.map(endpointName);
      const owner = fold ? undefined : ownerName(first);
      return [
        {
          // Pods of one controller that policies tell apart go by their own names.
          name: owner !== undefined && owners.get(owner) === 1 ? owner : (names[0] ?? ''),
          kind: 'pods',
          members: names,
          declared: declaredPorts(sorted),
          representative: first.policy,
        },
      ];
    })
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** `shop/web[Deployment]`, for a pod that has a controller. */
function ownerName(endpoint: Endpoint | undefined): string | undefined {
  if (endpoint?.owner === undefined) return undefined;
  const [kind = '', name = ''] = endpoint.owner.split('/');
  return `${endpoint.namespace}/${name}[${kind}]`;
}

function declaredPorts(endpoints: readonly Endpoint[]): ReachGroup['declared'] {
  const ports = new Map<string, ReachGroup['declared'][number]>();
  for (const { policy } of endpoints)
    if (policy.kind === 'pod')
      for (const { name, protocol, port } of policy.ports)
        ports.set(`${protocol} ${port}`, { protocol, port, ...(name === '' ? {} : { name }) });
  return [...ports.values()];
}

/** The world outside, cut along the networks that policies name: addresses of one piece are all treated alike. */
export function outsideGroups(policies: readonly CompiledPolicies[]): readonly ReachGroup[] {
  const blocks = [...new Set(policies.flatMap(blocksOf))].flatMap((text) => {
    const prefix = parsePrefix(text);
    return prefix === undefined ? [] : [{ text: `${formatIp(prefix.ip)}/${prefix.length}`, prefix }];
  });
  const candidates = blocks.flatMap(({ prefix }) => {
    const first = maskIp(prefix.ip, prefix.length);
    const last = lastIp(prefix);
    return prefix.length === 0 ? [] : [first, last, addIp(first, -1), addIp(last, 1)];
  });
  const somewhere = SOMEWHERE.flatMap((text) => parseIp(text) ?? []).filter(
    (ip) => !isIpv6(ip) || blocks.some(({ prefix }) => isIpv6(prefix.ip)),
  );
  const pieces = new Map<string, ReachGroup>();
  for (const ip of [...somewhere, ...candidates]) {
    const inside = blocks.filter(({ prefix }) => prefixContains(prefix, ip));
    const key = inside.map(({ text }) => text).join();
    if (pieces.has(key)) continue;
    const narrowest = inside
      .filter(({ prefix }) => prefix.length > 0)
      .sort((a, b) => b.prefix.length - a.prefix.length)[0];
    const name = narrowest?.text ?? (isIpv6(ip) ? 'outside (IPv6)' : 'outside');
    pieces.set(key, {
      name,
      kind: 'outside',
      members: [formatIp(ip)],
      declared: [],
      representative: { kind: 'external', ip: formatIp(ip) },
    });
  }
  return [...pieces.values()];
}
