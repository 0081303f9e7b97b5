import { base32, sha256 } from '../sha256.ts';
import type { ServicePort } from '../service.ts';

/** Longest base of a name: nft's 256 without the room for the longest prefix. */
const LONGEST = 240;

/** A name begins with a hash of itself, so that it is told from its likes and stays one of a kind when it is cut off. */
function hashed(name: string): string {
  const whole = `${base32(sha256(name), 8)}-${name}`;
  return whole.length > LONGEST ? `${whole.slice(0, LONGEST - 3)}...` : whole;
}

/** `ns1/svc1/tcp/p80`. */
export function portKey({ service, protocol, portName }: ServicePort): string {
  return `${service}/${protocol}/${portName}`;
}

export type ServiceChainKind = 'service' | 'local' | 'external' | 'firewall';

/** `service-ULMVA6XW-ns1/svc1/tcp/p80` (pkg/proxy/nftables/proxier.go, servicePortChainNameBase). */
export function serviceChainName(kind: ServiceChainKind, port: ServicePort): string {
  return `${kind}-${hashed(portKey(port))}`;
}

/** `endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80`; of IPv6 addresses the colons are dots. */
export function endpointName(kind: 'endpoint' | 'affinity', port: ServicePort, endpoint: string): string {
  const at = endpoint.lastIndexOf(':');
  const ip = endpoint.slice(0, at).replaceAll(/[[\]]/g, '').replaceAll(':', '.');
  return `${kind}-${hashed(`${portKey(port)}__${ip}/${endpoint.slice(at + 1)}`)}`;
}

/** The port's key in the name of one of its chains or sets; a name that was cut off has none. */
export function keyInName(name: string): string | undefined {
  return /^[a-z]+-[A-Z2-7]{8}-(.*?)(?:__[^_]*)?$/.exec(name)?.[1];
}
