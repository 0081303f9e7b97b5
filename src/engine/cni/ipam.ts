import { addIp, formatPrefix, isIpv6, lastIp, maskIp, prefixContains } from '../net/address.ts';
import type { Ip, Prefix } from '../net/address.ts';

/** Addresses for pods of one node. */
interface Ipam {
  /** `undefined` when there is none left. */
  allocate(): Ip | undefined;
  release(ip: Ip): void;
}

/**
 * The `host-local` plugin (containernetworking/plugins, plugins/ipam/host-local): from the one after the address that was
 * reserved last, around the range. So a pod that comes back gets the next address, and an address rests as long as it can.
 */
export class HostLocal implements Ipam {
  readonly #first: Ip;
  readonly #last: Ip;
  readonly #taken = new Set<Ip>();
  #lastReserved: Ip | undefined;

  /** The range is all of the subnet but its network address, its first address (the gateway) and, with IPv4, its last. */
  constructor(subnet: Prefix) {
    this.#first = addIp(subnet.ip, 2);
    this.#last = isIpv6(subnet.ip) ? lastIp(subnet) : addIp(lastIp(subnet), -1);
  }

  allocate(): Ip | undefined {
    let ip = this.#lastReserved === undefined ? this.#first : this.#next(this.#lastReserved);
    // Every taken address is passed at most once.
    for (let tries = 0; tries <= this.#taken.size; tries++) {
      if (!this.#taken.has(ip)) {
        if (!this.#holds(ip)) return undefined;
        this.#taken.add(ip);
        this.#lastReserved = ip;
        return ip;
      }
      ip = this.#next(ip);
    }
    return undefined;
  }

  release(ip: Ip): void {
    this.#taken.delete(ip);
  }

  #next(ip: Ip): Ip {
    return ip === this.#last || !this.#holds(ip) ? this.#first : addIp(ip, 1);
  }

  /** A subnet of two or fewer addresses has none to give. */
  #holds(ip: Ip): boolean {
    return isIpv6(ip) || (ip >= this.#first && ip <= this.#last);
  }
}

const CALICO_BLOCK_BITS = 26;

/**
 * Calico's blocks: a node gets blocks of 64 addresses as it needs them, and a block belongs to one node. They are cut from
 * the node's podCIDR, and the first two addresses of the first one stay unused, so that a pod has the same address
 * whichever CNI a lesson uses; real Calico takes blocks from anywhere in its pool.
 */
export class CalicoBlocks implements Ipam {
  readonly #pool: Prefix;
  readonly #length: number;
  readonly #blocks: { readonly prefix: Prefix; readonly taken: Set<Ip>; next: Ip }[] = [];
  readonly #changed: (block: Prefix) => void;

  /** `changed` hears of every block that the node takes. */
  constructor(pool: Prefix, changed: (block: Prefix) => void) {
    this.#pool = pool;
    this.#length = Math.max(pool.length, isIpv6(pool.ip) ? 122 : CALICO_BLOCK_BITS);
    this.#changed = changed;
  }

  get blocks(): readonly Prefix[] {
    return this.#blocks.map(({ prefix }) => prefix);
  }

  allocate(): Ip | undefined {
    for (const block of this.#blocks) {
      const ip = this.#fromBlock(block);
      if (ip !== undefined) return ip;
    }
    return this.claim() === undefined ? undefined : this.allocate();
  }

  release(ip: Ip): void {
    for (const block of this.#blocks) if (prefixContains(block.prefix, ip)) block.taken.delete(ip);
  }

  /** Takes the pool's next block for this node. */
  claim(): Prefix | undefined {
    const last = this.#blocks.at(-1)?.prefix;
    const ip = last === undefined ? this.#pool.ip : addIp(lastIp(last), 1);
    if (!prefixContains(this.#pool, ip)) return undefined;
    const prefix = { ip: maskIp(ip, this.#length), length: this.#length };
    const first = last === undefined ? addIp(ip, 2) : ip;
    this.#blocks.push({ prefix, taken: new Set(), next: first });
    this.#changed(prefix);
    return prefix;
  }

  /** Addresses in order of their being free longest: the next one, around the block. */
  #fromBlock(block: { readonly prefix: Prefix; readonly taken: Set<Ip>; next: Ip }): Ip | undefined {
    const first = block === this.#blocks[0] ? addIp(block.prefix.ip, 2) : block.prefix.ip;
    const last = lastIp(block.prefix);
    for (let tries = 0; tries <= block.taken.size; tries++) {
      const ip = block.next;
      if (!prefixContains(block.prefix, ip)) return undefined;
      block.next = ip === last ? first : addIp(ip, 1);
      if (block.taken.has(ip)) continue;
      block.taken.add(ip);
      return ip;
    }
    return undefined;
  }
}

/** One address from each, or from none: which of them had none left. */
export function allocateEach<Range extends { readonly ipam: Ipam }>(
  ranges: readonly Range[],
): { readonly ips: readonly Ip[] } | { readonly full: Range } {
  const ips: Ip[] = [];
  for (const range of ranges) {
    const ip = range.ipam.allocate();
    if (ip === undefined) {
      releaseEach(ranges, ips);
      return { full: range };
    }
    ips.push(ip);
  }
  return { ips };
}

/** Gives back what `allocateEach` gave. */
export function releaseEach(ranges: readonly { readonly ipam: Ipam }[], ips: readonly Ip[]): void {
  ips.forEach((ip, i) => ranges[i]?.ipam.release(ip));
}

/** What a CNI plugin says when its range is used up. */
export function exhausted(subnet: Prefix): string {
  return `no IP addresses available in range set: ${formatPrefix(subnet)}`;
}
