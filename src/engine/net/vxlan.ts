/**
 * VXLAN (drivers/net/vxlan): a frame goes inside UDP to the host that the device's FDB names for its address. Source
 * port from a hash of the inner flow, outer TTL 64, DF off, inner TTL untouched.
 */
import { formatIp, formatMac, hashWord, isIpv6, MAC_ZERO, type Ip, type Mac } from './address.ts';
import { Device, type OperState } from './device.ts';
import type { Errno } from './errno.ts';
import type { Netns } from './netns.ts';
import {
  IPPROTO_UDP,
  IpPacket,
  transportOf,
  UdpDatagram,
  Vxlan as VxlanPayload,
  type Frame,
} from './packet.ts';
import type { Skb } from './skb.ts';

export interface VxlanFdbEntry {
  readonly mac: Mac;
  /** `dst`: the remote host. */
  readonly remote: Ip;
  readonly kind: 'permanent' | 'static' | 'dynamic';
  readonly updated: number;
}

export interface VxlanOptions {
  readonly vni: number;
  readonly local?: Ip | undefined;
  /** `dstport`; 8472 unless given. */
  readonly port?: number;
  /** The device below, which the tunnel's packets must leave by. */
  readonly dev?: Device | undefined;
  readonly learning?: boolean;
}

/** `VXLAN_F_IPV6`: what the device says of itself is in IPv6. */
export function overIpv6({ local }: Pick<VxlanOptions, 'local'>): boolean {
  return local !== undefined && isIpv6(local);
}

export class VxlanDevice extends Device {
  readonly vni: number;
  readonly local: Ip | undefined;
  readonly dstport: number;
  readonly lower: Device | undefined;
  learning: boolean;
  readonly #fdb = new Map<Mac, VxlanFdbEntry[]>();

  constructor(netns: Netns, name: string, mac: Mac, mtu: number, options: VxlanOptions) {
    super(netns, name, 'vxlan', mac, mtu, false);
    this.vni = options.vni;
    this.local = options.local;
    this.dstport = options.port ?? 8472;
    this.lower = options.dev;
    this.learning = options.learning ?? false;
  }

  get overIpv6(): boolean {
    return overIpv6(this);
  }

  override get operState(): OperState {
    return this.up ? 'UNKNOWN' : 'DOWN';
  }

  /** The UDP port is open while the device is up. */
  override stateChanged(): void {
    const { vxlan } = this.netns.sockets;
    const rest = (vxlan.get(this.dstport) ?? []).filter((other) => other !== this);
    if (this.up) rest.push(this);
    if (rest.length > 0) vxlan.set(this.dstport, rest);
    else vxlan.delete(this.dstport);
  }

  /** `bridge fdb` entries of the device, newest first. */
  fdbList(): VxlanFdbEntry[] {
    this.netns.fillAll();
    return [...this.#fdb.values()].flat().reverse();
  }

  /** How many addresses have entries by now. */
  get fdbSize(): number {
    return this.#fdb.size;
  }

  /** `bridge fdb append`: one more remote for an address. */
  fdbAppend(mac: Mac, remote: Ip, kind: VxlanFdbEntry['kind'] = 'permanent'): Errno | undefined {
    this.netns.fillAll();
    const entries = this.#fdb.get(mac) ?? [];
    if (entries.some((entry) => entry.remote === remote)) return 'EEXIST';
    this.#fdb.set(mac, [...entries, { mac, remote, kind, updated: this.netns.world.now }]);
    return undefined;
  }

  /** `bridge fdb add`. */
  fdbAdd(mac: Mac, remote: Ip, kind: VxlanFdbEntry['kind'] = 'permanent'): Errno | undefined {
    this.netns.fillAll();
    return this.#fdb.has(mac) ? 'EEXIST' : this.fdbAppend(mac, remote, kind);
  }

  /** `bridge fdb replace`. */
  fdbReplace(mac: Mac, remote: Ip, kind: VxlanFdbEntry['kind'] = 'permanent'): Errno | undefined {
    this.#fdb.delete(mac);
    return this.fdbAppend(mac, remote, kind);
  }

  /** `bridge fdb del`; without a remote, all of the address. */
  fdbDelete(mac: Mac, remote?: Ip): Errno | undefined {
    this.netns.fillAll();
    const entries = this.#fdb.get(mac);
    if (entries === undefined) return 'ENOENT';
    const rest = remote === undefined ? [] : entries.filter((entry) => entry.remote !== remote);
    if (rest.length === entries.length) return 'ENOENT';
    if (rest.length === 0) this.#fdb.delete(mac);
    else this.#fdb.set(mac, rest);
    return undefined;
  }

  protected override xmit(skb: Skb, frame: Frame): void {
    const entries = this.#fdb.get(frame.dst) ?? this.#fdb.get(MAC_ZERO);
    if (entries === undefined) {
      this.txDropped++;
      this.decide(skb, { code: 'vxlan-no-fdb', dev: this.name, mac: formatMac(frame.dst) });
      return;
    }
    const [only] = entries;
    if (only !== undefined && entries.length === 1) this.#encapsulate(skb, frame, only);
    else for (const entry of entries) this.#encapsulate(skb.clone(), frame, entry);
  }

  #encapsulate(skb: Skb, frame: Frame, entry: VxlanFdbEntry): void {
    const ns = this.netns;
    const world = ns.world;
    const route = ns.routes.lookup({ dst: entry.remote, src: this.local, oif: this.lower });
    if (
      route.dev === undefined ||
      route.dev === this ||
      (route.kind !== 'unicast' && route.kind !== 'local')
    ) {
      this.txDropped++;
      world.ip.traceRoute(ns, skb, route, entry.remote);
      this.decide(skb, { code: 'drop', reason: 'tunnel-no-route' });
      return;
    }
    const src = this.local ?? route.src;
    const sport = flowSourcePort(frame);
    if (world.tracer !== undefined) this.#decideEncapsulation(skb, frame, entry, src, sport);
    const datagram = new UdpDatagram(sport, this.dstport, new VxlanPayload(this.vni, frame));
    const id = ns.nextIpId();
    const outer = new IpPacket(src, entry.remote, IPPROTO_UDP, 64, 0, id, false, false, 0, datagram);
    skb.scrub();
    skb.frame = undefined;
    skb.packet = outer;
    skb.route = route;
    world.ip.output(skb);
  }

  #decideEncapsulation(skb: Skb, frame: Frame, entry: VxlanFdbEntry, src: Ip, sport: number): void {
    this.decide(skb, {
      code: 'vxlan-encap',
      dev: this.name,
      vni: this.vni,
      mac: formatMac(frame.dst),
      local: formatIp(src),
      remote: formatIp(entry.remote),
      sport,
      entry: formatVxlanFdbEntry(entry, this.name),
    });
  }

  /** Takes the frame out again; the capture time is the outer packet's. */
  decapsulate(skb: Skb, payload: VxlanPayload): void {
    const ns = this.netns;
    const world = ns.world;
    const frame = payload.frame;
    if (!this.up || frame.src === this.mac) {
      this.rxDropped++;
      return;
    }
    if (world.tracer !== undefined)
      this.decide(skb, {
        code: 'vxlan-decap',
        dev: this.name,
        vni: this.vni,
        remote: formatIp(skb.packet.src),
      });
    if (this.learning) this.#learn(frame.src, skb.packet.src);
    const mark = skb.mark;
    skb.scrub();
    skb.mark = mark;
    skb.frame = frame;
    if (frame.payload.kind === 'ip') skb.packet = frame.payload;
    skb.inDev = this;
    if (world.tracer !== undefined) world.tracer.frame(skb.stamp, skb.walk, ns.name, this.name, 'in', frame);
    this.receive(skb);
  }

  #learn(mac: Mac, remote: Ip): void {
    const known = this.#fdb.get(mac)?.[0];
    if (known !== undefined && (known.kind !== 'dynamic' || known.remote === remote)) return;
    this.#fdb.set(mac, [{ mac, remote, kind: 'dynamic', updated: this.netns.world.now }]);
  }
}

/** udp_flow_src_port: the same flow, the same port, between 32768 and 60999. */
function flowSourcePort(frame: Frame): number {
  const packet = frame.payload;
  let hash: number;
  if (packet.kind === 'arp') hash = mix(frame.src % 0x1_0000_0000, frame.dst % 0x1_0000_0000, 0x806);
  else {
    const transport = transportOf(packet);
    let ports = 0;
    if (!packet.isFragment && (transport?.kind === 'tcp' || transport?.kind === 'udp'))
      ports = transport.sport * 65536 + transport.dport;
    hash = mix(hashWord(packet.src), hashWord(packet.dst), ports ^ packet.protocol);
  }
  hash = (hash ^ (hash << 16)) >>> 0;
  return 32768 + Math.floor((hash / 0x1_0000_0000) * (60999 - 32768));
}

function mix(a: number, b: number, c: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b);
  h = Math.imul((h ^ (h >>> 13) ^ b) >>> 0, 0xc2b2ae35);
  h = Math.imul((h ^ (h >>> 16) ^ c) >>> 0, 0x27d4eb2f);
  return (h ^ (h >>> 15)) >>> 0;
}

/** One line of `bridge fdb show dev VXLAN`. */
export function formatVxlanFdbEntry(entry: VxlanFdbEntry, dev: string): string {
  const kind = entry.kind === 'dynamic' ? '' : entry.kind;
  return `${formatMac(entry.mac)} dev ${dev} dst ${formatIp(entry.remote)} self ${kind}`;
}
