/**
 * Addresses as numbers. An IPv4 address is 0 … 2^32-1; an IPv6 address is the id under which its 128 bits were
 * interned, counted from 2^32, so `===` compares both and a Map may key by them. Never sort or show by ids.
 */

export type Ip = number;
/** 48 bits. */
export type Mac = number;

export interface Prefix {
  /** Network address, host bits cleared. */
  readonly ip: Ip;
  readonly length: number;
}

const V6_BASE = 0x1_0000_0000;

/** 128 bits as four 32-bit words, most significant first. */
type Words = readonly [number, number, number, number];

const v6Words: Words[] = [];
const v6Ids = new Map<string, Ip>();

export function isIpv6(ip: Ip): boolean {
  return ip >= V6_BASE;
}

/** IPv4 or IPv6. */
export type Family = 4 | 6;

export function familyOf(ip: Ip): Family {
  return isIpv6(ip) ? 6 : 4;
}

export function internIpv6(a: number, b: number, c: number, d: number): Ip {
  const key = `${a >>> 0},${b >>> 0},${c >>> 0},${d >>> 0}`;
  const known = v6Ids.get(key);
  if (known !== undefined) return known;
  const id = V6_BASE + v6Words.length;
  v6Words.push([a >>> 0, b >>> 0, c >>> 0, d >>> 0]);
  v6Ids.set(key, id);
  return id;
}

/** The four words of an IPv6 address; an unknown id reads as `::`. */
export function ipv6Words(ip: Ip): Words {
  return v6Words[ip - V6_BASE] ?? [0, 0, 0, 0];
}

export const IPV4_ANY: Ip = 0;
export const IPV6_ANY: Ip = internIpv6(0, 0, 0, 0);
export const IPV4_BROADCAST: Ip = 0xffffffff;

export function anyAddress(family: Family): Ip {
  return family === 4 ? IPV4_ANY : IPV6_ANY;
}

export function isAny(ip: Ip): boolean {
  return ip === IPV4_ANY || ip === IPV6_ANY;
}

/** Dotted quad or RFC 4291 text; undefined when it is neither. */
export function parseIp(text: string): Ip | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Ip | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let ip = 0;
  for (let i = 1; i <= 4; i++) {
    const part = match[i] ?? '';
    const byte = Number(part);
    if (byte > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    ip = ip * 256 + byte;
  }
  return ip;
}

function parseIpv6(text: string): Ip | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '');
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '') : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  const word = (i: number): number => (groups[i] ?? 0) * 65536 + (groups[i + 1] ?? 0);
  return internIpv6(word(0), word(2), word(4), word(6));
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && part.includes('.')) {
      const v4 = parseIpv4(part);
      if (v4 === undefined) return undefined;
      groups.push(Math.floor(v4 / 65536), v4 % 65536);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** Dotted quad, or RFC 5952 text. */
export function formatIp(ip: Ip): string {
  if (!isIpv6(ip)) return `${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`;
  const groups: number[] = [];
  for (const word of ipv6Words(ip)) groups.push(word >>> 16, word & 0xffff);
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && groups[j] === 0) j++;
    if (j - i > bestLength) {
      best = i;
      bestLength = j - i;
    }
  }
  const hex = groups.map((group) => group.toString(16));
  if (best < 0) return hex.join(':');
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`;
}

/** `10.0.0.0/8`; a bare address is its whole length. Host bits are cleared. */
export function parsePrefix(text: string): Prefix | undefined {
  const [address, length, rest] = text.split('/');
  const ip = parseIp(address ?? '');
  if (ip === undefined || rest !== undefined) return undefined;
  const max = addressBits(ip);
  if (length === undefined) return { ip, length: max };
  if (!/^\d{1,3}$/.test(length) || Number(length) > max) return undefined;
  return { ip: maskIp(ip, Number(length)), length: Number(length) };
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatIp(prefix.ip)}/${prefix.length}`;
}

/** 32 or 128. */
export function addressBits(ip: Ip): 32 | 128 {
  return isIpv6(ip) ? 128 : 32;
}

export function maskIp(ip: Ip, length: number): Ip {
  if (!isIpv6(ip)) return length <= 0 ? 0 : (ip & (-1 << (32 - length))) >>> 0;
  const [a, b, c, d] = ipv6Words(ip);
  return internIpv6(
    maskWord(a, length),
    maskWord(b, length - 32),
    maskWord(c, length - 64),
    maskWord(d, length - 96),
  );
}

function maskWord(word: number, length: number): number {
  if (length <= 0) return 0;
  return length >= 32 ? word : (word & (-1 << (32 - length))) >>> 0;
}

export function prefixContains(prefix: Prefix, ip: Ip): boolean {
  if (!isIpv6(ip)) {
    if (prefix.length === 0) return !isIpv6(prefix.ip);
    return ((ip ^ prefix.ip) & (-1 << (32 - prefix.length))) === 0 && !isIpv6(prefix.ip);
  }
  if (!isIpv6(prefix.ip)) return false;
  const a = ipv6Words(ip);
  const b = ipv6Words(prefix.ip);
  for (let i = 0; i < 4; i++) {
    const length = prefix.length - 32 * i;
    if (length <= 0) return true;
    if (maskWord(a[i] ?? 0, length) !== maskWord(b[i] ?? 0, length)) return false;
  }
  return true;
}

/** The last address of a prefix: its broadcast address. */
export function lastIp(prefix: Prefix): Ip {
  if (!isIpv6(prefix.ip))
    return prefix.length >= 32 ? prefix.ip : (prefix.ip | (0xffffffff >>> prefix.length)) >>> 0;
  const words = ipv6Words(prefix.ip);
  const fill = (i: number): number => {
    const length = Math.max(0, prefix.length - 32 * i);
    return length >= 32 ? (words[i] ?? 0) : ((words[i] ?? 0) | (0xffffffff >>> length)) >>> 0;
  };
  return internIpv6(fill(0), fill(1), fill(2), fill(3));
}

/** Negative, zero or positive; every IPv4 address comes before every IPv6 address. */
export function compareIp(a: Ip, b: Ip): number {
  if (!isIpv6(a) || !isIpv6(b)) return a - b;
  const x = ipv6Words(a);
  const y = ipv6Words(b);
  for (let i = 0; i < 4; i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The last 32 bits. */
export function lowWord(ip: Ip): number {
  return isIpv6(ip) ? ipv6Words(ip)[3] : ip;
}

/** 32 bits that stand for the address in a hash; never an IPv6 address' id, which depends on what was interned before it. */
export function hashWord(ip: Ip): number {
  if (!isIpv6(ip)) return ip;
  const [a, b, c, d] = ipv6Words(ip);
  return (Math.imul(a ^ Math.imul(b ^ Math.imul(c, 0x85ebca6b), 0xc2b2ae35), 0x27d4eb2f) ^ d) >>> 0;
}

/** The address `n` after `ip`, wrapping at the end of the family. */
export function addIp(ip: Ip, n: number): Ip {
  if (!isIpv6(ip)) return (ip + n) >>> 0;
  const [a, b, c, d] = ipv6Words(ip);
  const value = (((BigInt(a) << 32n) | BigInt(b)) << 64n) | (BigInt(c) << 32n) | BigInt(d);
  const sum = BigInt.asUintN(128, value + BigInt(n));
  const word = (shift: bigint): number => Number((sum >> shift) & 0xffffffffn);
  return internIpv6(word(96n), word(64n), word(32n), word(0n));
}

export function isLoopback(ip: Ip): boolean {
  return isIpv6(ip) ? formatIp(ip) === '::1' : ip >>> 24 === 127;
}

export function isMulticast(ip: Ip): boolean {
  return isIpv6(ip) ? ipv6Words(ip)[0] >>> 24 === 0xff : ip >>> 28 === 14;
}

export function isLinkLocal(ip: Ip): boolean {
  return isIpv6(ip) ? ipv6Words(ip)[0] >>> 22 === 0x3fa : ip >>> 16 === 0xa9fe;
}

export const MAC_BROADCAST: Mac = 0xffffffffffff;
export const MAC_ZERO: Mac = 0;

/** The group bit: multicast or broadcast. */
export function isGroupMac(mac: Mac): boolean {
  return (Math.floor(mac / 0x10000000000) & 1) === 1;
}

export function parseMac(text: string): Mac | undefined {
  if (!/^[0-9a-fA-F]{1,2}([:-][0-9a-fA-F]{1,2}){5}$/.test(text)) return undefined;
  return text.split(/[:-]/).reduce((mac, byte) => mac * 256 + parseInt(byte, 16), 0);
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function formatMac(mac: Mac): string {
  const high = Math.floor(mac / 0x1_0000_0000);
  const low = mac % 0x1_0000_0000;
  return `${HEX[high >>> 8] ?? ''}:${HEX[high & 255] ?? ''}:${HEX[low >>> 24] ?? ''}:${HEX[(low >>> 16) & 255] ?? ''}:${HEX[(low >>> 8) & 255] ?? ''}:${HEX[low & 255] ?? ''}`;
}
