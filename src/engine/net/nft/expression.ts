import { isIpv6 } from '../address.ts';
import { ICMP, ICMP6, SCTP, TCP, UDP, type Flow } from '../netfilter-flow.ts';
import {
  BOOLEAN,
  BYTE,
  CT_DIR,
  CT_STATE,
  CT_STATE_BITS,
  CT_STATUS,
  DSCP,
  ETHER_TYPE,
  FIB_ADDRTYPE,
  ICMPV6_CODE,
  ICMPV6_TYPE,
  ICMP_CODE,
  ICMP_TYPE,
  IFACE_INDEX,
  IFNAME,
  INET_PROTO,
  INET_SERVICE,
  IPV4_ADDR,
  IPV6_ADDR,
  MARK,
  NF_PROTO,
  PKT_TYPE,
  SHORT,
  TCP_FLAG,
  WORD,
  isBadValue,
  type Datatype,
  type Scalar,
} from './datatype.ts';

/** A field of a packet or of what the kernel noted about it. */
export interface Expression {
  readonly text: string;
  readonly type: Datatype;
  /** Undefined: the packet has no such field, and the rule does not hold for it. */
  readonly read: (flow: Flow) => Scalar | undefined;
  /** The address family that a packet must be of. */
  readonly family?: 'ip' | 'ip6';
  /** The transport protocol that the packet must have; `th` says any. */
  readonly transport?: number | 'any';
  readonly tracks?: true;
}

type Fields = Readonly<Record<string, Omit<Expression, 'text' | 'family' | 'transport'>>>;

function v4(read: (flow: Flow) => Scalar): (flow: Flow) => Scalar | undefined {
  return (flow) => (isIpv6(flow.src) ? undefined : read(flow));
}

function v6(read: (flow: Flow) => Scalar): (flow: Flow) => Scalar | undefined {
  return (flow) => (isIpv6(flow.src) ? read(flow) : undefined);
}

const IP: Fields = {
  saddr: { type: IPV4_ADDR, read: v4((flow) => flow.src) },
  daddr: { type: IPV4_ADDR, read: v4((flow) => flow.dst) },
  protocol: { type: INET_PROTO, read: v4((flow) => flow.protocol) },
  ttl: { type: BYTE, read: v4((flow) => flow.skb.packet.ttl) },
  length: { type: SHORT, read: v4((flow) => flow.length) },
  id: { type: SHORT, read: v4((flow) => flow.skb.packet.id) },
  dscp: { type: DSCP, read: v4((flow) => flow.skb.packet.tos >> 2) },
  version: { type: BYTE, read: v4(() => 4) },
  'frag-off': {
    type: SHORT,
    read: v4(
      ({ skb: { packet } }) => (packet.offset >> 3) | (packet.mf ? 0x2000 : 0) | (packet.df ? 0x4000 : 0),
    ),
  },
};

const IP6: Fields = {
  saddr: { type: IPV6_ADDR, read: v6((flow) => flow.src) },
  daddr: { type: IPV6_ADDR, read: v6((flow) => flow.dst) },
  nexthdr: { type: INET_PROTO, read: v6((flow) => flow.protocol) },
  hoplimit: { type: BYTE, read: v6((flow) => flow.skb.packet.ttl) },
  length: { type: SHORT, read: v6((flow) => flow.length - 40) },
  version: { type: BYTE, read: v6(() => 6) },
};

function ports(of: (protocol: number) => boolean): Fields {
  const holds = (flow: Flow): boolean => !flow.later && of(flow.protocol);
  return {
    sport: { type: INET_SERVICE, read: (flow) => (holds(flow) ? flow.sport : undefined) },
    dport: { type: INET_SERVICE, read: (flow) => (holds(flow) ? flow.dport : undefined) },
  };
}

const TRANSPORTS = new Set([TCP, UDP, SCTP, 33, 136]);

const HEADERS: Readonly<
  Record<string, { readonly fields: Fields } & Pick<Expression, 'family' | 'transport'>>
> = {
  ip: { fields: IP, family: 'ip' },
  ip6: { fields: IP6, family: 'ip6' },
  tcp: {
    fields: {
      ...ports((protocol) => protocol === TCP),
      flags: {
        type: TCP_FLAG,
        read: (flow) => (flow.protocol === TCP && !flow.later ? flow.tcpFlags : undefined),
      },
    },
    transport: TCP,
  },
  udp: { fields: ports((protocol) => protocol === UDP), transport: UDP },
  sctp: { fields: ports((protocol) => protocol === SCTP), transport: SCTP },
  th: { fields: ports((protocol) => TRANSPORTS.has(protocol)), transport: 'any' },
  icmp: { fields: icmp(ICMP, ICMP_TYPE, ICMP_CODE), transport: ICMP },
  icmpv6: { fields: icmp(ICMP6, ICMPV6_TYPE, ICMPV6_CODE), transport: ICMP6 },
};

function icmp(protocol: number, type: Datatype, code: Datatype): Fields {
  const holds = (flow: Flow): boolean => flow.protocol === protocol && !flow.later;
  return {
    type: { type, read: (flow) => (holds(flow) ? flow.icmpType : undefined) },
    code: { type: code, read: (flow) => (holds(flow) ? flow.icmpCode : undefined) },
  };
}

/** `tcp dport`, `ip saddr`, …: undefined when the header has no such field here; `known` when it is a header at all. */
export function headerField(header: string, field: string): Expression | undefined {
  const found = HEADERS[header];
  const made = found?.fields[field];
  if (found === undefined || made === undefined) return undefined;
  return {
    ...made,
    text: `${header} ${field}`,
    ...(found.family === undefined ? {} : { family: found.family }),
    ...(found.transport === undefined ? {} : { transport: found.transport }),
  };
}

export function isHeader(word: string): boolean {
  return Object.hasOwn(HEADERS, word);
}

/** Keys of `meta` that are also written without it. */
export const BARE_META = ['iif', 'iifname', 'oif', 'oifname', 'mark'];

const META: Fields = {
  l4proto: { type: INET_PROTO, read: (flow) => flow.protocol },
  nfproto: { type: NF_PROTO, read: (flow) => (isIpv6(flow.src) ? 10 : 2) },
  protocol: { type: ETHER_TYPE, read: (flow) => (isIpv6(flow.src) ? 0x86dd : 0x0800) },
  mark: { type: MARK, read: (flow) => flow.skb.mark },
  length: { type: WORD, read: (flow) => flow.length },
  iifname: { type: IFNAME, read: (flow) => flow.in },
  oifname: { type: IFNAME, read: (flow) => flow.out },
  iif: { type: IFACE_INDEX, read: (flow) => flow.in },
  oif: { type: IFACE_INDEX, read: (flow) => flow.out },
  pkttype: {
    type: PKT_TYPE,
    read: (flow) => {
      const kind = flow.env.addressType(flow.dst, undefined);
      return kind === 'BROADCAST' ? 1 : kind === 'MULTICAST' ? 2 : 0;
    },
  },
};

export function metaKey(key: string): Expression | undefined {
  const made = META[key];
  if (made === undefined) return undefined;
  const bare = key.startsWith('iif') || key.startsWith('oif');
  return { ...made, text: bare ? key : `meta ${key}` };
}

function ctState(flow: Flow): number {
  return CT_STATE_BITS[flow.skb.ctState ?? 'INVALID'];
}

const CT: Fields = {
  state: { type: CT_STATE, read: ctState },
  status: {
    type: CT_STATUS,
    read({ skb: { ct } }) {
      if (ct === undefined) return undefined;
      return (
        (ct.seenReply ? 2 : 0) |
        (ct.assured ? 4 : 0) |
        (ct.confirmed ? 8 : 0) |
        (ct.srcNat ? 16 : 0) |
        (ct.dstNat ? 32 : 0) |
        (ct.dying ? 512 : 0)
      );
    },
  },
  mark: { type: MARK, read: (flow) => flow.skb.ct?.mark },
  direction: {
    type: CT_DIR,
    read: ({ skb }) => (skb.ct === undefined ? undefined : skb.ctReply ? 1 : 0),
  },
  l3proto: {
    type: NF_PROTO,
    read: ({ skb: { ct } }) => (ct === undefined ? undefined : isIpv6(ct.original.src) ? 10 : 2),
  },
  protocol: { type: INET_PROTO, read: (flow) => flow.skb.ct?.original.protocol },
};

export function ctKey(key: string): Expression | undefined {
  const made = CT[key];
  return made === undefined ? undefined : { ...made, text: `ct ${key}`, tracks: true };
}

/** `ct original ip daddr`, `ct reply proto-src`, …. */
export function ctTupleKey(
  direction: 'original' | 'reply',
  family: 'ip' | 'ip6',
  key: string,
): Expression | undefined {
  const side = key.endsWith('saddr') || key === 'proto-src' ? 'src' : 'dst';
  if (key === 'saddr' || key === 'daddr')
    return {
      text: `ct ${direction} ${family} ${key}`,
      type: family === 'ip' ? IPV4_ADDR : IPV6_ADDR,
      read: ({ skb: { ct } }) => ct?.[direction][side],
      tracks: true,
    };
  if (key !== 'proto-src' && key !== 'proto-dst') return undefined;
  return {
    text: `ct ${direction} ${key}`,
    type: INET_SERVICE,
    read: ({ skb: { ct } }) => ct?.[direction][side === 'src' ? 'sport' : 'dport'],
    tracks: true,
  };
}

/** `fib daddr type`, `fib saddr . iif oif`: what the routing tables say of an address. */
export function fibExpression(flags: readonly string[], result: string): Expression | undefined {
  const text = `fib ${flags.join(' . ')} ${result}`;
  const source = flags.includes('saddr');
  if (result === 'type')
    return {
      text,
      type: FIB_ADDRTYPE,
      read(flow) {
        const dev = flags.includes('iif') ? flow.in : flags.includes('oif') ? flow.out : undefined;
        const found = FIB_ADDRTYPE.parse(
          flow.env.addressType(source ? flow.src : flow.dst, dev).toLowerCase(),
        );
        return isBadValue(found) ? 0 : found;
      },
    };
  if (!source || (result !== 'oif' && result !== 'oifname')) return undefined;
  return {
    text,
    type: BOOLEAN,
    read: (flow) => (flow.env.reversePath(flow, !flags.includes('iif')) ? 1 : 0),
  };
}

/** `numgen random mod N offset M`; counting ones keep their count. */
export function numgen(mode: 'random' | 'inc', modulus: number, offset: number): Expression {
  let count = -1;
  return {
    text: `numgen ${mode} mod ${modulus}${offset === 0 ? '' : ` offset ${offset}`}`,
    type: WORD,
    read(flow) {
      if (mode === 'random') return offset + Math.floor((flow.env.random32() * modulus) / 0x1_0000_0000);
      count = (count + 1) % modulus;
      return offset + count;
    },
  };
}
