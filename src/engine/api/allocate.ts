import type { Cidr } from './address.ts';
import { bits, cidrContains, formatAddress, networkOf, parseAddress, parseCidr } from './address.ts';
import { draw } from './draw.ts';
import type { FieldError } from './error.ts';
import * as field from './field.ts';
import type { Draft } from './json.ts';
import { initIpFamilies } from './ip-families.ts';
import { numberAt, objectsAt, textAt, textsAt } from './json.ts';
import type { Service } from './types.ts';

const nodePorts = { first: 30_000, last: 32_767 };

/** Cluster IPs and node ports: the allocators of the API server's Service registry. */
export class ServiceAllocator {
  readonly ranges: readonly Cidr[];
  private readonly seed: number;
  private readonly owners = new Map<string, string>();
  private readonly ports = new Map<number, string>();

  /** `serviceCIDR`: one range, or two of different families with a comma between. */
  constructor(serviceCIDR: string, seed: number) {
    this.ranges = serviceCIDR.split(',').flatMap((text) => parseCidr(text.trim()) ?? []);
    this.seed = seed;
  }

  /**
   * Fills in `clusterIP`, `clusterIPs`, `ipFamilies`, `ipFamilyPolicy` and node ports of a Service that is about to be
   * stored, keeping what the `previous` one had. Nothing is taken before `commit`.
   */
  complete(service: Draft, spec: Draft, previous: Service | undefined): FieldError[] {
    const metadata = service['metadata'] as Draft;
    const key = `${textAt(metadata, 'namespace') ?? ''}/${textAt(metadata, 'name') ?? ''}`;
    const type = textAt(spec, 'type');
    if (type === 'ExternalName') {
      // Nothing is allocated; what the families' defaults left behind goes.
      for (const name of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy'])
        delete spec[name];
      return [];
    }
    const errors = this.completeAddresses(spec, key, previous);
    if (errors.length === 0) errors.push(...this.completePorts(spec, key, type ?? '', previous));
    return errors;
  }

  private completeAddresses(spec: Draft, key: string, previous: Service | undefined): FieldError[] {
    const path = ['spec'];
    const given = textsAt(spec, 'clusterIPs');
    const first = textAt(spec, 'clusterIP') ?? '';
    if (given.length === 0 && first !== '') given.push(first);
    if (given.length > 0) {
      spec['clusterIP'] = given[0] ?? '';
      spec['clusterIPs'] = given;
    }
    const errors = initIpFamilies(
      spec,
      previous,
      this.ranges.map(({ family }) => family),
    );
    if (errors.length > 0) return errors;
    if (given[0] === 'None') return [];
    const kept = textsAt(spec, 'clusterIPs');
    const families = textsAt(spec, 'ipFamilies');
    const addresses: string[] = [];
    for (const [i, family] of families.entries()) {
      const range = this.ranges.find((candidate) => candidate.family === family);
      if (!range) continue;
      const explicit = kept[i];
      if (explicit) {
        const address = parseAddress(explicit);
        if (!address) continue;
        const text = formatAddress(address);
        const problem = !cidrContains(range, address)
          ? `the provided IP (${explicit}) is not in the valid range. The range of valid IPs is ${formatAddress({ family: range.family, value: networkOf(range) })}/${range.length}`
          : (this.owners.get(text) ?? key) !== key
            ? 'provided IP is already allocated'
            : undefined;
        if (problem) {
          return [
            field.invalid([...path, 'clusterIPs'], given, `failed to allocate IP ${explicit}: ${problem}`),
          ];
        }
        addresses.push(text);
      } else {
        const free = this.drawAddress(range, key);
        if (!free)
          return [field.internal([...path, 'clusterIPs'], 'failed to allocate a serviceIP: range is full')];
        addresses.push(free);
      }
    }
    spec['clusterIP'] = addresses[0] ?? '';
    spec['clusterIPs'] = addresses;
    return [];
  }

  /** The upper band first, as the real allocator: the lower one is left to those who choose an address by hand. */
  private drawAddress(range: Cidr, key: string): string | undefined {
    const size = 1n << BigInt(Math.min(20, bits(range) - range.length));
    const reserved = size / 16n < 16n ? 16n : size / 16n > 256n ? 256n : size / 16n;
    const base = networkOf(range);
    const upper = size - reserved - 1n;
    for (let i = 0n; i < size; i++) {
      const start = BigInt(draw(this.seed, key, 0));
      const offset =
        upper > 0n && i < upper ? reserved + ((start + i) % upper) : i - (upper > 0n ? upper : 0n) + 1n;
      if (offset <= 0n || offset >= size - 1n) continue;
      const text = formatAddress({ family: range.family, value: base + offset });
      if (!this.owners.has(text)) return text;
    }
    return undefined;
  }

  private completePorts(spec: Draft, key: string, type: string, previous: Service | undefined): FieldError[] {
    const errors: FieldError[] = [];
    const ports = objectsAt(spec, 'ports');
    const wants =
      type === 'NodePort' || (type === 'LoadBalancer' && spec['allocateLoadBalancerNodePorts'] !== false);
    const taken = new Set<number>();
    for (const [i, port] of ports.entries()) {
      const path = ['spec', 'ports', i, 'nodePort'];
      const asked = numberAt(port, 'nodePort');
      if (asked) {
        if (asked < nodePorts.first || asked > nodePorts.last) {
          const detail = `provided port is not in the valid range. The range of valid ports is ${nodePorts.first}-${nodePorts.last}`;
          errors.push(field.invalid(path, asked, detail));
        } else if ((this.ports.get(asked) ?? key) !== key)
          errors.push(field.invalid(path, asked, 'provided port is already allocated'));
        taken.add(asked);
      }
    }
    if (errors.length > 0) return errors;
    for (const [i, port] of ports.entries()) {
      if (!wants || numberAt(port, 'nodePort')) continue;
      const same = previous?.spec.ports?.find(
        (old) => old.port === port['port'] && old.protocol === port['protocol'],
      );
      const number = same?.nodePort ?? this.drawPort(`${key}:${numberAt(port, 'port') ?? i}`, taken);
      if (number === undefined)
        return [
          field.internal(['spec', 'ports', i, 'nodePort'], 'failed to allocate a nodePort: range is full'),
        ];
      port['nodePort'] = number;
      taken.add(number);
    }
    if (type === 'LoadBalancer' && textAt(spec, 'externalTrafficPolicy') === 'Local') {
      spec['healthCheckNodePort'] ??=
        previous?.spec.healthCheckNodePort ?? this.drawPort(`${key}:health`, taken) ?? 0;
    } else delete spec['healthCheckNodePort'];
    return [];
  }

  private drawPort(text: string, taken: ReadonlySet<number>): number | undefined {
    const size = nodePorts.last - nodePorts.first + 1;
    const start = draw(this.seed, text, 1);
    for (let i = 0; i < size; i++) {
      const port = nodePorts.first + ((start + i) % size);
      if (!this.ports.has(port) && !taken.has(port)) return port;
    }
    return undefined;
  }

  /** Takes what the stored Service has, and frees what the previous one had and this has no more. */
  commit(next: Service | undefined, previous: Service | undefined): void {
    for (const [service, take] of [
      [previous, false],
      [next, true],
    ] as const) {
      if (!service) continue;
      const key = `${service.metadata.namespace ?? ''}/${service.metadata.name}`;
      for (const ip of service.spec.clusterIPs ?? []) {
        if (take && ip !== 'None') this.owners.set(ip, key);
        else if (this.owners.get(ip) === key) this.owners.delete(ip);
      }
      const ports = [
        ...(service.spec.ports ?? []).map(({ nodePort }) => nodePort),
        service.spec.healthCheckNodePort,
      ];
      for (const port of ports) {
        if (!port) continue;
        if (take) this.ports.set(port, key);
        else if (this.ports.get(port) === key) this.ports.delete(port);
      }
    }
  }
}
