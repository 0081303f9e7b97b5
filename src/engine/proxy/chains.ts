import { base32, sha256 } from './sha256.ts';

export type ServiceChainKind = 'SVC' | 'SVL' | 'EXT' | 'FW';

const cache = new Map<string, string>();
const CACHED = 200_000;

function hash(text: string): string {
  let name = cache.get(text);
  if (name === undefined) {
    name = base32(sha256(text), 16);
    if (cache.size >= CACHED) cache.clear();
    cache.set(text, name);
  }
  return name;
}

/** `KUBE-SVC-…` of a Service port (`namespace/name:port`) and protocol (pkg/proxy/iptables/proxier.go portProtoHash). */
export function serviceChain(kind: ServiceChainKind, servicePortName: string, protocol: string): string {
  return `KUBE-${kind}-${hash(servicePortName + protocol)}`;
}

/** `KUBE-SEP-…` of one endpoint (`IP:PORT`). */
export function endpointChain(servicePortName: string, protocol: string, endpoint: string): string {
  return `KUBE-SEP-${hash(servicePortName + protocol + endpoint)}`;
}
