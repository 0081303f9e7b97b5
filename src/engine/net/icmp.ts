/**
 * ICMP (net/ipv4/icmp.c): answers to echo, errors with the source address and the quotation that Linux chooses, their
 * rate limit per destination, and what errors that arrive do to sockets and to path MTUs.
 */
import {
  formatIp,
  IPV4_BROADCAST,
  isGroupMac,
  isIpv6,
  isLinkLocal,
  isMulticast,
  type Ip,
} from './address.ts';
import type { Device } from './device.ts';
import type { Errno } from './errno.ts';
import type { Netns } from './netns.ts';
import {
  ICMP_ADMIN_PROHIBITED,
  ICMP_ECHO,
  ICMP_ECHO_REPLY,
  ICMP_FRAG_NEEDED,
  ICMP_HOST_PROHIBITED,
  ICMP_HOST_UNREACHABLE,
  ICMP_NET_PROHIBITED,
  ICMP_NET_UNREACHABLE,
  ICMP_PORT_UNREACHABLE,
  ICMP_PROTOCOL_UNREACHABLE,
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  ICMPV6_ECHO,
  ICMPV6_ECHO_REPLY,
  ICMPV6_PACKET_TOO_BIG,
  ICMPV6_PARAMETER_PROBLEM,
  ICMPV6_TIME_EXCEEDED,
  ICMPV6_UNREACHABLE,
  IcmpMessage,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IpPacket,
  isIcmpError,
  transportOf,
} from './packet.ts';
import { Skb, type RejectWith } from './skb.ts';

/** Tokens are microseconds: one error costs a second (ip_rt_error_cost, icmp_ratelimit), five or six may be saved. */
const ROUTE_ERROR_COST = 1_000_000;
const ROUTE_ERROR_BURST = 5_000_000;
const BURST_FACTOR = 6;
const MAX_BUCKETS = 65_536;
/** Linux refuses path MTUs below this and forgets one after ten minutes (net/ipv4/route.c). */
const MIN_PATH_MTU = 552;
const PATH_MTU_EXPIRES = 600_000_000;
const ERROR_TOS = 0xc0;
/** An error quotes so much that it stays within this. */
const ERROR_SIZE = 576;
const REDIRECT_LOAD = 20_000;
const MAX_REDIRECTS = 9;

const REJECT_CODES: Readonly<Record<Exclude<RejectWith, 'tcp-reset'>, number>> = {
  'net-unreachable': ICMP_NET_UNREACHABLE,
  'host-unreachable': ICMP_HOST_UNREACHABLE,
  'proto-unreachable': ICMP_PROTOCOL_UNREACHABLE,
  'port-unreachable': ICMP_PORT_UNREACHABLE,
  'net-prohibited': ICMP_NET_PROHIBITED,
  'host-prohibited': ICMP_HOST_PROHIBITED,
  'admin-prohibited': ICMP_ADMIN_PROHIBITED,
};

/** What an ICMP error means to a socket. */
export interface SocketError {
  readonly errno: Errno;
  /** Told to a connected socket that did not ask for errors. */
  readonly hard: boolean;
  readonly type: number;
  readonly code: number;
  readonly mtu: number;
  /** Who sent it. */
  readonly from: Ip;
}

export class Icmp {
  /** Sends an error about a packet, unless the rules forbid it. Codes are ICMPv4's; an IPv6 packet gets its counterpart. */
  sendError(skb: Skb, type: number, code: number, info: number): void {
    const ns = skb.netns;
    const world = ns.world;
    const about = skb.packet;
    if (!mayComplain(skb, about)) return;
    const v6 = isIpv6(about.src);
    const [sent, sentCode] = v6 ? icmpv6Of(type, code) : [type, code];
    if (!this.#allowed(ns, about.src, sent, sentCode)) {
      world.tracer?.decision(world.now, skb.walk, ns.name, {
        code: 'icmp-rate-limited',
        to: formatIp(about.src),
      });
      return;
    }
    const back = ns.routes.lookup({ dst: about.src, oif: linkOf(about.src, skb.inDev) });
    if (back.kind !== 'unicast' && back.kind !== 'local') return;
    const local = skb.route?.kind === 'local' && ns.routes.addressType(about.dst) === 'local';
    const src = local ? about.dst : back.kind === 'local' && back.src === 0 ? about.src : back.src;
    const room = v6 ? 1280 - 48 : ERROR_SIZE - 28;
    const quotedLength = Math.min(about.length, room);
    const message = v6
      ? new IcmpMessage(sent, sentCode, { mtu: info, quoted: about, quotedLength })
      : new IcmpMessage(type, code, {
          quoted: about,
          quotedLength,
          ...(type === ICMP_REDIRECT ? { gateway: info } : { mtu: info }),
        });
    const walk = world.newWalk(skb.walk);
    const protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    const tos = type === ICMP_REDIRECT ? about.tos : ERROR_TOS;
    const packet = new IpPacket(
      src,
      about.src,
      protocol,
      64,
      v6 ? 0 : tos,
      ns.nextIpId(),
      false,
      false,
      0,
      message,
    );
    world.tracer?.decision(world.now, skb.walk, ns.name, {
      code: 'icmp-error',
      type: icmpName(packet, message),
      from: formatIp(src),
      to: formatIp(about.src),
      about: `${formatIp(about.src)} > ${formatIp(about.dst)}`,
    });
    const error = new Skb(ns, packet, walk);
    error.route = back;
    error.answers(skb);
    world.ip.output(error);
  }

  /** REJECT, from any hook. */
  reject(ns: Netns, skb: Skb, how: RejectWith): void {
    if (how === 'tcp-reset') ns.world.tcp.rejectWithReset(ns, skb);
    else this.sendError(skb, ICMP_UNREACHABLE, REJECT_CODES[how], 0);
  }

  /** `gateway` would have been nearer for the sender; said at most nine times, less and less often. */
  sendRedirect(skb: Skb, gateway: Ip): void {
    const ns = skb.netns;
    const now = ns.world.now;
    const bucket = this.#bucket(ns, skb.packet.src);
    if (bucket.redirects >= MAX_REDIRECTS) return;
    if (bucket.redirects > 0 && now <= bucket.redirected + REDIRECT_LOAD * 2 ** bucket.redirects) return;
    bucket.redirected = now;
    bucket.redirects++;
    // NAT lets no redirect pass whose connection it changes, or has not yet decided about (nf_nat_icmp_reply_translation).
    const ct = skb.ct;
    if (ct !== undefined && (ct.srcNat || ct.dstNat || !ct.srcNatDone || !ct.dstNatDone)) return;
    this.sendError(skb, ICMP_REDIRECT, 1, gateway);
  }

  /** ip_error's own share of the bucket that errors are counted in. */
  takeRouteErrorToken(ns: Netns, to: Ip): boolean {
    const bucket = this.#bucket(ns, to);
    const now = ns.world.now;
    bucket.tokens = Math.min(bucket.tokens + now - bucket.at, ROUTE_ERROR_BURST);
    bucket.at = now;
    if (bucket.tokens < ROUTE_ERROR_COST) return false;
    bucket.tokens -= ROUTE_ERROR_COST;
    return true;
  }

  receive(ns: Netns, dev: Device, skb: Skb, packet: IpPacket): void {
    const message = packet.payload;
    if (message.kind !== 'icmp') return;
    const v6 = isIpv6(packet.src);
    if (message.type === (v6 ? ICMPV6_ECHO : ICMP_ECHO)) {
      this.#echo(ns, dev, skb, packet, message);
      return;
    }
    if (v6 && message.nd !== undefined) {
      ns.world.nd.receive(ns, dev, skb, packet, message);
      return;
    }
    if (isIcmpError(packet, message)) this.#error(ns, skb, packet, message);
  }

  #echo(ns: Netns, dev: Device, skb: Skb, packet: IpPacket, message: IcmpMessage): void {
    const world = ns.world;
    const v6 = isIpv6(packet.src);
    const group = packet.dst === IPV4_BROADCAST || isMulticast(packet.dst) || skb.route?.kind === 'broadcast';
    if (!v6 && ns.sysctl.get('net.ipv4.icmp_echo_ignore_all') === '1') return;
    if (group && !v6 && ns.sysctl.get('net.ipv4.icmp_echo_ignore_broadcasts') !== '0') return;
    if (world.tracer !== undefined)
      world.tracer.decision(world.now, skb.walk, ns.name, {
        code: 'deliver',
        protocol: v6 ? 'icmp6' : 'icmp',
        local: formatIp(packet.dst),
      });
    const route = ns.routes.lookup({ dst: packet.src, oif: linkOf(packet.src, dev) });
    const src = group ? route.src : packet.dst;
    const reply = new IcmpMessage(v6 ? ICMPV6_ECHO_REPLY : ICMP_ECHO_REPLY, 0, {
      id: message.id,
      seq: message.seq,
      data: message.data,
    });
    const answer = new IpPacket(
      src,
      packet.src,
      packet.protocol,
      64,
      packet.tos,
      ns.nextIpId(),
      false,
      false,
      0,
      reply,
    );
    const out = new Skb(ns, answer, world.newWalk(skb.walk));
    out.route = route;
    world.ip.output(out);
  }

  /** An error about something that was sent from here: to the socket that sent it. */
  #error(ns: Netns, skb: Skb, packet: IpPacket, message: IcmpMessage): void {
    const quoted = message.quoted;
    const world = ns.world;
    if (quoted === undefined) return;
    const error = socketError(packet, message);
    if (world.tracer !== undefined)
      world.tracer.decision(world.now, skb.walk, ns.name, {
        code: 'deliver',
        protocol: isIpv6(packet.src) ? 'icmp6' : 'icmp',
        local: formatIp(packet.dst),
      });
    if (error === undefined) return;
    switch (quoted.protocol) {
      case IPPROTO_TCP:
        world.tcp.error(ns, skb, quoted, error);
        return;
      case IPPROTO_UDP:
        world.udp.error(ns, skb, quoted, error);
        return;
      case IPPROTO_ICMP:
      case IPPROTO_ICMPV6:
        if (error.errno === 'EMSGSIZE') this.learnPathMtu(ns, skb, quoted.dst, error.mtu);
        return;
    }
  }

  /** ip_rt_update_pmtu. */
  learnPathMtu(ns: Netns, skb: Skb, dst: Ip, told: number): void {
    const world = ns.world;
    const current = world.ip.pathMtu(ns, ns.routes.lookup({ dst }), dst);
    const mtu = told < MIN_PATH_MTU && !isIpv6(dst) ? Math.min(current, MIN_PATH_MTU) : told;
    if (current < mtu) return;
    ns.pathMtu.set(dst, { mtu, expires: world.now + PATH_MTU_EXPIRES });
    world.tracer?.decision(world.now, skb.walk, ns.name, { code: 'pmtu', dst: formatIp(dst), mtu });
  }

  /** icmpv4_xrlim_allow and icmpv6_xrlim_allow: never limited are frag-needed and what stays on loopback. */
  #allowed(ns: Netns, to: Ip, type: number, code: number): boolean {
    const v6 = isIpv6(to);
    if (!v6 && type === ICMP_UNREACHABLE && code === ICMP_FRAG_NEEDED) return true;
    const limited = v6
      ? inBitmap(ns.sysctl.get('net.ipv6.icmp.ratemask') ?? '', type)
      : type <= 18 && ((1 << type) & ns.sysctl.number('net.ipv4.icmp_ratemask')) !== 0;
    if (!limited || ns.routes.lookupDestination(to).kind === 'local') return true;
    const limit = ns.sysctl.number(v6 ? 'net.ipv6.icmp.ratelimit' : 'net.ipv4.icmp_ratelimit') * 1000;
    const bucket = this.#bucket(ns, to);
    const now = ns.world.now;
    // What a routing error has just counted is not cut once more (inet_peer_xrlim_allow).
    if (now > bucket.at) bucket.tokens = Math.min(bucket.tokens + now - bucket.at, BURST_FACTOR * limit);
    bucket.at = now;
    if (bucket.tokens < limit) return false;
    bucket.tokens -= limit;
    return true;
  }

  #bucket(ns: Netns, to: Ip): TokenBucket {
    let bucket = ns.icmpTokens.get(to);
    if (bucket === undefined) {
      if (ns.icmpTokens.size >= MAX_BUCKETS) ns.icmpTokens.clear();
      bucket = { tokens: 0, at: ns.world.now - 60_000_000, redirects: 0, redirected: 0 };
      ns.icmpTokens.set(to, bucket);
    }
    return bucket;
  }
}

/** What is sent to an IPv6 address of one link goes back to that link. */
function linkOf(to: Ip, dev: Device | undefined): Device | undefined {
  return isIpv6(to) && isLinkLocal(to) ? dev : undefined;
}

/** inet_peer: what is counted per destination. */
export interface TokenBucket {
  tokens: number;
  at: number;
  redirects: number;
  redirected: number;
}

/** icmp_send's conditions: not about errors, later fragments, broadcasts, or packets without a sender. */
function mayComplain(skb: Skb, about: IpPacket): boolean {
  if (about.offset > 0 || about.src === 0 || isMulticast(about.src) || about.src === IPV4_BROADCAST)
    return false;
  if (about.dst === IPV4_BROADCAST || isMulticast(about.dst) || skb.route?.kind === 'broadcast') return false;
  if (skb.frame !== undefined && skb.inDev !== undefined && isGroupMac(skb.frame.dst)) return false;
  const message = transportOf(about);
  return message?.kind !== 'icmp' || !isIcmpError(about, message);
}

/** icmp_err_convert. */
function socketError(packet: IpPacket, message: IcmpMessage): SocketError | undefined {
  const base = { type: message.type, code: message.code, mtu: message.mtu, from: packet.src };
  if (isIpv6(packet.src)) {
    if (message.type === ICMPV6_PACKET_TOO_BIG) return { ...base, errno: 'EMSGSIZE', hard: false };
    if (message.type === ICMPV6_TIME_EXCEEDED) return { ...base, errno: 'EHOSTUNREACH', hard: false };
    const errnos: readonly Errno[] = [
      'ENETUNREACH',
      'EACCES',
      'EHOSTUNREACH',
      'EHOSTUNREACH',
      'ECONNREFUSED',
      'EACCES',
    ];
    return {
      ...base,
      errno: errnos[message.code] ?? 'EPROTO',
      hard: message.code === 4 || message.code === 1,
    };
  }
  if (message.type === ICMP_TIME_EXCEEDED) return { ...base, errno: 'EHOSTUNREACH', hard: false };
  if (message.type !== ICMP_UNREACHABLE) return undefined;
  switch (message.code) {
    case ICMP_NET_UNREACHABLE:
    case 11:
      return { ...base, errno: 'ENETUNREACH', hard: false };
    case ICMP_HOST_UNREACHABLE:
    case 12:
      return { ...base, errno: 'EHOSTUNREACH', hard: false };
    case ICMP_PROTOCOL_UNREACHABLE:
      return { ...base, errno: 'ENOPROTOOPT', hard: true };
    case ICMP_PORT_UNREACHABLE:
      return { ...base, errno: 'ECONNREFUSED', hard: true };
    case ICMP_FRAG_NEEDED:
      return { ...base, errno: 'EMSGSIZE', hard: false };
    case 6:
    case ICMP_NET_PROHIBITED:
      return { ...base, errno: 'ENETUNREACH', hard: true };
    default:
      return { ...base, errno: 'EHOSTUNREACH', hard: true };
  }
}

/** The ICMPv6 type and code for what ICMPv4 calls so. */
function icmpv6Of(type: number, code: number): readonly [type: number, code: number] {
  if (type === ICMP_TIME_EXCEEDED) return [ICMPV6_TIME_EXCEEDED, 0];
  switch (code) {
    case ICMP_FRAG_NEEDED:
      return [ICMPV6_PACKET_TOO_BIG, 0];
    case ICMP_PROTOCOL_UNREACHABLE:
      return [ICMPV6_PARAMETER_PROBLEM, 1];
    case ICMP_NET_UNREACHABLE:
      return [ICMPV6_UNREACHABLE, 0];
    case ICMP_HOST_UNREACHABLE:
      return [ICMPV6_UNREACHABLE, 3];
    case ICMP_PORT_UNREACHABLE:
      return [ICMPV6_UNREACHABLE, 4];
    default:
      return [ICMPV6_UNREACHABLE, 1];
  }
}

/** Whether a kernel's list of ranges, `0-1,3-127`, has the number. */
function inBitmap(text: string, number: number): boolean {
  return text.split(',').some((range) => {
    const [first = '', last = first] = range.split('-');
    return first !== '' && number >= Number(first) && number <= Number(last);
  });
}

/** `echo`, `host-unreachable`, `frag-needed`, …: short names, for both families. */
export function icmpName(packet: IpPacket, message: IcmpMessage): string {
  const { type, code } = message;
  if (isIpv6(packet.src)) {
    const names: Readonly<Record<number, string>> = {
      2: 'packet-too-big',
      3: 'ttl-exceeded',
      4: 'parameter-problem',
      128: 'echo',
      129: 'echo-reply',
      133: 'router-solicitation',
      134: 'router-advertisement',
      135: 'neighbour-solicitation',
      136: 'neighbour-advertisement',
    };
    if (type === 1)
      return (
        ['net-unreachable', 'admin-prohibited', 'beyond-scope', 'host-unreachable', 'port-unreachable'][
          code
        ] ?? `unreachable-${code}`
      );
    return names[type] ?? `type-${type}`;
  }
  if (type === ICMP_UNREACHABLE) return UNREACHABLE_NAMES[code] ?? `unreachable-${code}`;
  const names: Readonly<Record<number, string>> = {
    0: 'echo-reply',
    5: 'redirect',
    8: 'echo',
    11: code === 0 ? 'ttl-exceeded' : 'reassembly-timeout',
  };
  return names[type] ?? `type-${type}`;
}

const UNREACHABLE_NAMES: Readonly<Record<number, string>> = {
  0: 'net-unreachable',
  1: 'host-unreachable',
  2: 'proto-unreachable',
  3: 'port-unreachable',
  4: 'frag-needed',
  9: 'net-prohibited',
  10: 'host-prohibited',
  13: 'admin-prohibited',
};
