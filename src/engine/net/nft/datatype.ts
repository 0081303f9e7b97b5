import { compareIp, formatIp, formatMac, isIpv6, parseIp, parseMac } from '../address.ts';
import { protocolName, protocolNumber } from '../protocol.ts';
import { portByService } from '../services.ts';

/** A value of a packet, of an element or of a rule: an address or a number, or the name of an interface. */
export type Scalar = number | string;

/** What nft says about a word that is no value of the type. */
export interface BadValue {
  readonly error: string;
}

/** A type of values (src/datatype.c). */
export interface Datatype {
  /** As `type` names it: `ipv4_addr`. */
  readonly name: string;
  /** As messages name it: `IPv4 address`. */
  readonly description: string;
  readonly bytes: number;
  /** How the kernel holds it: the elements of a set are listed by it. */
  readonly order: 'network' | 'host';
  /** Elements that a line of a listing holds. */
  readonly perLine: 1 | 2 | 5;
  /** Names of single bits: values are or-ed together, `established,related`. */
  readonly bits?: ReadonlyMap<string, number>;
  readonly parse: (text: string) => Scalar | BadValue;
  readonly format: (value: Scalar) => string;
}

export function isBadValue(value: unknown): value is BadValue {
  return typeof value === 'object' && value !== null && 'error' in value;
}

/** Decimal, hexadecimal or octal, as the scanner reads a number. */
export function readNumber(text: string): number | undefined {
  if (/^0[xX][0-9a-fA-F]{1,12}$/.test(text)) return parseInt(text.slice(2), 16);
  if (/^0[0-7]+$/.test(text)) return parseInt(text, 8);
  return /^\d{1,15}$/.test(text) ? parseInt(text, 10) : undefined;
}

function inRange(text: string, bytes: number): number | BadValue | undefined {
  const value = readNumber(text);
  if (value === undefined) return undefined;
  const max = 256 ** bytes - 1;
  return value <= max ? value : { error: `Value ${value} exceeds valid range 0-${max}` };
}

function ipType(name: 'ipv4_addr' | 'ipv6_addr'): Datatype {
  const six = name === 'ipv6_addr';
  return {
    name,
    description: six ? 'IPv6 address' : 'IPv4 address',
    bytes: six ? 16 : 4,
    order: 'network',
    perLine: six ? 1 : 2,
    parse(text) {
      const ip = parseIp(text);
      if (ip !== undefined && isIpv6(ip) === six) return ip;
      const number = six ? undefined : readNumber(text);
      if (number !== undefined && number <= 0xffffffff) return number;
      return {
        error: `Could not resolve hostname: ${ip === undefined ? 'Name or service not known' : 'Address family for hostname not supported'}`,
      };
    },
    format: (value) => formatIp(Number(value)),
  };
}

/** A number with names for some of its values. */
function symbolType(
  type: Pick<Datatype, 'name' | 'description' | 'bytes' | 'order' | 'perLine'>,
  symbols: readonly (readonly [name: string, value: number])[],
  unnamed: (value: number) => string = String,
): Datatype {
  const byName = new Map(symbols);
  const byValue = new Map([...symbols].reverse().map(([name, value]) => [value, name]));
  return {
    ...type,
    parse: (text) =>
      byName.get(text) ?? inRange(text, type.bytes) ?? { error: `Could not parse ${type.description}` },
    format: (value) => byValue.get(Number(value)) ?? unnamed(Number(value)),
  };
}

/** Names of bits; several are written with commas, in the order of the bits. */
function bitsType(
  type: Pick<Datatype, 'name' | 'description' | 'bytes' | 'order' | 'perLine'>,
  symbols: readonly (readonly [name: string, value: number])[],
): Datatype {
  const simple = symbolType(type, symbols, (value) => `0x${value.toString(16)}`);
  return {
    ...simple,
    bits: new Map(symbols),
    format(value) {
      let left = Number(value);
      if (left === 0) return '0x0';
      const names: string[] = [];
      for (const [name, bit] of symbols) {
        if ((left & bit) === 0) continue;
        names.push(name);
        left &= ~bit;
      }
      return left === 0 ? names.join(',') : `0x${Number(value).toString(16)}`;
    },
  };
}

function integerType(bytes: number, order: Datatype['order'] = 'network'): Datatype {
  return {
    name: 'integer',
    description: 'integer',
    bytes,
    order,
    perLine: 5,
    parse: (text) => inRange(text, bytes) ?? { error: 'Could not parse integer' },
    format: String,
  };
}

export const IPV4_ADDR = ipType('ipv4_addr');
export const IPV6_ADDR = ipType('ipv6_addr');

export const INET_PROTO: Datatype = {
  name: 'inet_proto',
  description: 'Internet protocol',
  bytes: 1,
  order: 'network',
  perLine: 5,
  parse: (text) => protocolNumber(text) ?? { error: 'Could not resolve protocol name' },
  format: (value) => protocolName(Number(value)),
};

export const INET_SERVICE: Datatype = {
  name: 'inet_service',
  description: 'internet network service',
  bytes: 2,
  order: 'network',
  perLine: 5,
  parse(text) {
    const number = readNumber(text);
    if (number !== undefined) return number <= 65535 ? number : { error: 'Service out of range' };
    return (
      portByService(text, 'tcp') ??
      portByService(text, 'udp') ?? {
        error: 'Could not resolve service: Servname not supported for ai_socktype',
      }
    );
  },
  format: String,
};

export const MARK: Datatype = {
  name: 'mark',
  description: 'packet mark',
  bytes: 4,
  order: 'host',
  perLine: 5,
  parse: (text) => inRange(text, 4) ?? { error: 'Could not parse packet mark' },
  format: (value) => `0x${Number(value).toString(16).padStart(8, '0')}`,
};

/** Also names with a `*` at their end. */
export const IFNAME: Datatype = {
  name: 'ifname',
  description: 'network interface name',
  bytes: 16,
  order: 'host',
  perLine: 1,
  parse: (text) => (text.length <= 15 ? text : { error: 'String exceeds maximum length of 16' }),
  format: (value) => `"${value}"`,
};

/** Held by name here: interfaces are renamed only while they have no rules. */
export const IFACE_INDEX: Datatype = {
  ...IFNAME,
  name: 'iface_index',
  description: 'network interface index',
  bytes: 4,
  perLine: 5,
};

export const ETHER_ADDR: Datatype = {
  name: 'ether_addr',
  description: 'Ethernet address',
  bytes: 6,
  order: 'network',
  perLine: 1,
  parse: (text) => parseMac(text) ?? { error: 'Could not parse Ethernet address' },
  format: (value) => formatMac(Number(value)),
};

export const CT_STATE_BITS = {
  INVALID: 1,
  ESTABLISHED: 2,
  RELATED: 4,
  NEW: 8,
  UNTRACKED: 64,
} as const;

export const CT_STATE = bitsType(
  { name: 'ct_state', description: 'conntrack state', bytes: 4, order: 'host', perLine: 2 },
  [
    ['invalid', 1],
    ['established', 2],
    ['related', 4],
    ['new', 8],
    ['untracked', 64],
  ],
);

export const CT_STATUS = bitsType(
  { name: 'ct_status', description: 'conntrack status', bytes: 4, order: 'host', perLine: 2 },
  [
    ['expected', 1],
    ['seen-reply', 2],
    ['assured', 4],
    ['confirmed', 8],
    ['snat', 16],
    ['dnat', 32],
    ['dying', 512],
  ],
);

export const CT_DIR = symbolType(
  { name: 'ct_dir', description: 'conntrack direction', bytes: 1, order: 'host', perLine: 5 },
  [
    ['original', 0],
    ['reply', 1],
  ],
);

export const NF_PROTO = symbolType(
  { name: 'nf_proto', description: 'netfilter protocol', bytes: 1, order: 'host', perLine: 5 },
  [
    ['ipv4', 2],
    ['ipv6', 10],
  ],
);

export const ETHER_TYPE = symbolType(
  { name: 'ether_type', description: 'Ethernet protocol', bytes: 2, order: 'network', perLine: 1 },
  [
    ['ip', 0x0800],
    ['arp', 0x0806],
    ['ip6', 0x86dd],
    ['vlan', 0x8100],
  ],
  (value) => `0x${value.toString(16).padStart(4, '0')}`,
);

export const PKT_TYPE = symbolType(
  { name: 'pkt_type', description: 'packet type', bytes: 1, order: 'host', perLine: 2 },
  [
    ['host', 0],
    ['unicast', 0],
    ['broadcast', 1],
    ['multicast', 2],
    ['other', 3],
  ],
);

export const FIB_ADDRTYPE = symbolType(
  { name: 'fib_addrtype', description: 'fib address type', bytes: 4, order: 'host', perLine: 1 },
  [
    ['unspec', 0],
    ['unicast', 1],
    ['local', 2],
    ['broadcast', 3],
    ['anycast', 4],
    ['multicast', 5],
    ['blackhole', 6],
    ['unreachable', 7],
    ['prohibit', 8],
  ],
);

export const BOOLEAN = symbolType(
  { name: 'boolean', description: 'boolean type', bytes: 1, order: 'host', perLine: 1 },
  [
    ['exists', 1],
    ['missing', 0],
  ],
);

export const TCP_FLAG = bitsType(
  { name: 'tcp_flag', description: 'TCP flag', bytes: 1, order: 'network', perLine: 5 },
  [
    ['fin', 1],
    ['syn', 2],
    ['rst', 4],
    ['psh', 8],
    ['ack', 16],
    ['urg', 32],
    ['ecn', 64],
    ['cwr', 128],
  ],
);

export const DSCP = symbolType(
  {
    name: 'dscp',
    description: 'Differentiated Services Code Point',
    bytes: 1,
    order: 'network',
    perLine: 1,
  },
  [
    ['cs0', 0],
    ['cs1', 8],
    ['cs2', 16],
    ['cs3', 24],
    ['cs4', 32],
    ['cs5', 40],
    ['cs6', 48],
    ['cs7', 56],
    ['af11', 10],
    ['af12', 12],
    ['af13', 14],
    ['af21', 18],
    ['af22', 20],
    ['af23', 22],
    ['af31', 26],
    ['af32', 28],
    ['af33', 30],
    ['af41', 34],
    ['af42', 36],
    ['af43', 38],
    ['ef', 46],
  ],
  (value) => `0x${value.toString(16).padStart(2, '0')}`,
);

export const ICMP_TYPE = symbolType(
  { name: 'icmp_type', description: 'ICMP type', bytes: 1, order: 'network', perLine: 1 },
  [
    ['echo-reply', 0],
    ['destination-unreachable', 3],
    ['source-quench', 4],
    ['redirect', 5],
    ['echo-request', 8],
    ['router-advertisement', 9],
    ['router-solicitation', 10],
    ['time-exceeded', 11],
    ['parameter-problem', 12],
    ['timestamp-request', 13],
    ['timestamp-reply', 14],
    ['info-request', 15],
    ['info-reply', 16],
    ['address-mask-request', 17],
    ['address-mask-reply', 18],
  ],
);

export const ICMP_CODE = symbolType(
  { name: 'icmp_code', description: 'icmp code', bytes: 1, order: 'network', perLine: 1 },
  [
    ['net-unreachable', 0],
    ['host-unreachable', 1],
    ['prot-unreachable', 2],
    ['port-unreachable', 3],
    ['frag-needed', 4],
    ['net-prohibited', 9],
    ['host-prohibited', 10],
    ['admin-prohibited', 13],
  ],
);

export const ICMPV6_TYPE = symbolType(
  { name: 'icmpv6_type', description: 'ICMPv6 type', bytes: 1, order: 'network', perLine: 1 },
  [
    ['destination-unreachable', 1],
    ['packet-too-big', 2],
    ['time-exceeded', 3],
    ['parameter-problem', 4],
    ['echo-request', 128],
    ['echo-reply', 129],
    ['mld-listener-query', 130],
    ['mld-listener-report', 131],
    ['mld-listener-done', 132],
    ['mld-listener-reduction', 132],
    ['nd-router-solicit', 133],
    ['nd-router-advert', 134],
    ['nd-neighbor-solicit', 135],
    ['nd-neighbor-advert', 136],
    ['nd-redirect', 137],
    ['router-renumbering', 138],
    ['ind-neighbor-solicit', 141],
    ['ind-neighbor-advert', 142],
    ['mld2-listener-report', 143],
  ],
);

export const ICMPV6_CODE = symbolType(
  { name: 'icmpv6_code', description: 'icmpv6 code', bytes: 1, order: 'network', perLine: 1 },
  [
    ['no-route', 0],
    ['admin-prohibited', 1],
    ['addr-unreachable', 3],
    ['port-unreachable', 4],
    ['policy-fail', 5],
    ['reject-route', 6],
  ],
);

export const BYTE = integerType(1);
export const SHORT = integerType(2);
export const WORD = integerType(4, 'host');

/** What `type` may name in a set. */
export const DATATYPES: ReadonlyMap<string, Datatype> = new Map(
  [
    IPV4_ADDR,
    IPV6_ADDR,
    ETHER_ADDR,
    INET_PROTO,
    INET_SERVICE,
    MARK,
    IFNAME,
    IFACE_INDEX,
    CT_STATE,
    CT_STATUS,
    CT_DIR,
    NF_PROTO,
    ETHER_TYPE,
    PKT_TYPE,
    FIB_ADDRTYPE,
    BOOLEAN,
    TCP_FLAG,
    DSCP,
    ICMP_TYPE,
    ICMP_CODE,
    ICMPV6_TYPE,
    ICMPV6_CODE,
  ].map((type) => [type.name, type]),
);

export function isAddress(type: Datatype): boolean {
  return type === IPV4_ADDR || type === IPV6_ADDR;
}

export function compareScalars(type: Datatype, a: Scalar, b: Scalar): number {
  if (typeof a === 'string' || typeof b === 'string') return compareNames(String(a), String(b));
  return isAddress(type) ? compareIp(a, b) : a - b;
}

/** A string is a number to nft whose lowest byte is its first letter. */
function compareNames(a: string, b: string): number {
  for (let i = Math.max(a.length, b.length) - 1; i >= 0; i--) {
    const difference = (a.codePointAt(i) ?? 0) - (b.codePointAt(i) ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
