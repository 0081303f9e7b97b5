import type { Draft } from './json.ts';
import { equalJson, numberAt, objectsAt, textAt } from './json.ts';
import type { Service } from './types.ts';

/** What the Service registry mends in an update before it is validated (strategy.PrepareForUpdate). */
export function prepareServiceUpdate(spec: Draft, live: Service): void {
  normalizeClusterIPs(spec, live);
  keepClusterIPs(spec, live);
  dropTypeDependentFields(spec, live);
}

/** Who changes only `clusterIP` means `clusterIPs` too. */
function normalizeClusterIPs(spec: Draft, live: Service): void {
  const { clusterIP, clusterIPs } = live.spec;
  const changed = textAt(spec, 'clusterIP');
  if (changed === undefined || changed === clusterIP || !equalJson(spec['clusterIPs'], clusterIPs)) return;
  if (changed === '') delete spec['clusterIPs'];
  else spec['clusterIPs'] = [changed];
}

/** Left out, the addresses that were allocated are kept (patchAllocatedValues). */
function keepClusterIPs(spec: Draft, live: Service): void {
  const { type, clusterIP, clusterIPs } = live.spec;
  if (type === 'ExternalName' || textAt(spec, 'type') === 'ExternalName' || clusterIP === undefined) return;
  if ((textAt(spec, 'clusterIP') ?? '') === '') spec['clusterIP'] = clusterIP;
  if (!Array.isArray(spec['clusterIPs']) && spec['clusterIP'] === clusterIP && clusterIPs !== undefined)
    spec['clusterIPs'] = [...clusterIPs];
}

/** What only the former type needed goes with it, unless the update has set it anew. */
function dropTypeDependentFields(spec: Draft, live: Service): void {
  const type = textAt(spec, 'type') ?? 'ClusterIP';
  const old = live.spec;
  if (old.type !== 'ExternalName' && type === 'ExternalName') {
    for (const key of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const) {
      if (equalJson(spec[key], old[key])) delete spec[key];
    }
  }
  const outside = (of: string | undefined) => of === 'NodePort' || of === 'LoadBalancer';
  if (!outside(old.type) || outside(type)) return;
  for (const key of [
    'externalTrafficPolicy',
    'healthCheckNodePort',
    'allocateLoadBalancerNodePorts',
  ] as const) {
    if (equalJson(spec[key], old[key])) delete spec[key];
  }
  const before = new Set(old.ports?.map(({ nodePort }) => nodePort));
  for (const port of objectsAt(spec, 'ports'))
    if (before.has(numberAt(port, 'nodePort'))) delete port['nodePort'];
}
