import { formatIp, type Ip } from '../net/address.ts';
import { fromBase64 } from './base64.ts';
import type { Layer } from './record.ts';

/** Layers as they stood on the wire, checksums included. `payload` gives the bytes that a layer's `data` names. */
export function frameBytes(
  layers: readonly Layer[],
  payload: (data: number) => Uint8Array | undefined,
): Uint8Array {
  return encode(layers, payload, undefined);
}

/** A transport payload as it would stand in one packet between these addresses: what fragments are cut from. */
export function layerBytes(
  layers: readonly Layer[],
  { src, dst }: { readonly src: Ip; readonly dst: Ip },
  payload: (data: number) => string | undefined,
): Uint8Array {
  const bytesOf = (data: number) => {
    const text = payload(data);
    return text === undefined ? undefined : fromBase64(text);
  };
  return encode(layers, bytesOf, { src: ipBytes(formatIp(src)), dst: ipBytes(formatIp(dst)) });
}

interface Pseudo {
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
}

function encode(
  layers: readonly Layer[],
  payload: (data: number) => Uint8Array | undefined,
  pseudo: Pseudo | undefined,
): Uint8Array {
  const [layer, ...rest] = layers;
  if (layer === undefined) return new Uint8Array(0);
  switch (layer.kind) {
    case 'eth': {
      const head = bytes(14);
      head.set(macBytes(layer.dst), 0);
      head.set(macBytes(layer.src), 6);
      put16(head, 12, etherTypes[layer.type] ?? 0x0800);
      return concat(head, encode(rest, payload, undefined));
    }
    case 'arp': {
      const body = bytes(28);
      put16(body, 0, 1);
      put16(body, 2, 0x0800);
      body[4] = 6;
      body[5] = 4;
      put16(body, 6, layer.op === 'request' ? 1 : 2);
      body.set(macBytes(layer.senderMac), 8);
      body.set(ipBytes(layer.senderIp), 14);
      body.set(macBytes(layer.targetMac), 18);
      body.set(ipBytes(layer.targetIp), 24);
      return body;
    }
    case 'ipv4': {
      const ends = { src: ipBytes(layer.src), dst: ipBytes(layer.dst) };
      // A fragment's own bytes stand in its payload layer; a transport layer before it is for the reader.
      const fragment = layer.mf || layer.offset > 0;
      const body = encode(fragment ? rest.slice(-1) : rest, payload, ends);
      const head = bytes(20);
      head[0] = 0x45;
      head[1] = layer.tos;
      put16(head, 2, 20 + body.length);
      put16(head, 4, layer.id);
      put16(head, 6, (layer.df ? 0x4000 : 0) | (layer.mf ? 0x2000 : 0) | (layer.offset >> 3));
      head[8] = layer.ttl;
      head[9] = protocolNumber(layer.protocol);
      head.set(ends.src, 12);
      head.set(ends.dst, 16);
      put16(head, 10, checksum(head));
      return concat(head, body);
    }
    case 'ipv6': {
      const ends = { src: ipBytes(layer.src), dst: ipBytes(layer.dst) };
      const { fragment } = layer;
      // A fragment's own bytes stand in its payload layer; a transport layer before it is for the reader.
      const body =
        fragment === undefined
          ? encode(rest, payload, ends)
          : concat(fragmentHeader(fragment, layer.nextHeader), encode(rest.slice(-1), payload, ends));
      const head = bytes(40);
      head[0] = 0x60;
      put16(head, 4, body.length);
      head[6] = fragment === undefined ? protocolNumber(layer.nextHeader) : IPPROTO_FRAGMENT;
      head[7] = layer.hopLimit;
      head.set(ends.src, 8);
      head.set(ends.dst, 24);
      return concat(head, body);
    }
    case 'tcp': {
      const options = tcpOptions(layer.options);
      const head = bytes(20 + options.length);
      put16(head, 0, layer.sport);
      put16(head, 2, layer.dport);
      put32(head, 4, layer.seq);
      put32(head, 8, layer.ack);
      head[12] = (head.length / 4) << 4;
      head[13] = tcpFlags(layer.flags);
      put16(head, 14, layer.window);
      head.set(options, 20);
      const segment = concat(head, encode(rest, payload, undefined));
      if (pseudo !== undefined) put16(segment, 16, transportChecksum(pseudo, 6, segment));
      return segment;
    }
    case 'udp': {
      const body = encode(rest, payload, undefined);
      const head = bytes(8);
      put16(head, 0, layer.sport);
      put16(head, 2, layer.dport);
      put16(head, 4, 8 + layer.length);
      const datagram = concat(head, body);
      // VXLAN's outer checksum is zero (RFC 7348, 5), but over IPv6 there is no such thing.
      if (pseudo !== undefined && (rest[0]?.kind !== 'vxlan' || pseudo.src.length === 16))
        put16(datagram, 6, transportChecksum(pseudo, 17, datagram) || 0xffff);
      return datagram;
    }
    case 'vxlan': {
      const head = bytes(8);
      head[0] = 0x08;
      put32(head, 4, layer.vni * 256);
      return concat(head, encode(rest, payload, undefined));
    }
    case 'icmp':
    case 'icmp6': {
      const head = bytes(8);
      head[0] = layer.type;
      head[1] = layer.code;
      if (layer.id !== undefined) put16(head, 4, layer.id);
      if (layer.seq !== undefined) put16(head, 6, layer.seq);
      if (layer.mtu !== undefined) {
        if (layer.kind === 'icmp') put16(head, 6, layer.mtu);
        else put32(head, 4, layer.mtu);
      }
      if (layer.gateway !== undefined) head.set(ipBytes(layer.gateway), 4);
      const { neighbour } = layer;
      if (neighbour !== undefined && layer.type === 136)
        head[4] =
          (neighbour.router ? 0x80 : 0) | (neighbour.solicited ? 0x40 : 0) | (neighbour.override ? 0x20 : 0);
      const quoted = layer.about === undefined ? bytes(0) : encode(layer.about, payload, undefined);
      const about = quoted.subarray(0, layer.quotedLength ?? quoted.length);
      const message = concat(head, about, neighbourBytes(layer), encode(rest, payload, undefined));
      if (layer.kind === 'icmp') put16(message, 2, checksum(message));
      else if (pseudo !== undefined) put16(message, 2, transportChecksum(pseudo, 58, message));
      return message;
    }
    case 'dns':
    case 'payload': {
      const known = layer.data === undefined ? undefined : payload(layer.data);
      return known ?? bytes(layer.length);
    }
  }
}

const IPPROTO_FRAGMENT = 44;

/** RFC 8200, 4.5. */
function fragmentHeader(
  { id, offset, mf }: { readonly id: number; readonly offset: number; readonly mf: boolean },
  nextHeader: string,
): Uint8Array {
  const head = bytes(8);
  head[0] = protocolNumber(nextHeader);
  put16(head, 2, offset | (mf ? 1 : 0));
  put32(head, 4, id);
  return head;
}

/** RFC 4861, 4.3 and 4.4: the target, and its link-layer address as an option. The flags stand in the header's word. */
function neighbourBytes({ type, neighbour }: Layer & { readonly kind: 'icmp' | 'icmp6' }): Uint8Array {
  if (neighbour === undefined) return bytes(0);
  const target = ipBytes(neighbour.target);
  if (neighbour.mac === undefined) return target;
  return concat(target, Uint8Array.of(type === 136 ? 2 : 1, 1), macBytes(neighbour.mac));
}

const etherTypes: Readonly<Record<string, number>> = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd };
const protocols: Readonly<Record<string, number>> = {
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  icmp6: 58,
  ipv6: 41,
};

function protocolNumber(name: string): number {
  return protocols[name] ?? (Number(name) || 255);
}

function bytes(length: number): Uint8Array {
  return new Uint8Array(length);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = bytes(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function put16(target: Uint8Array, at: number, value: number): void {
  target[at] = (value >> 8) & 255;
  target[at + 1] = value & 255;
}

function put32(target: Uint8Array, at: number, value: number): void {
  put16(target, at, value >>> 16);
  put16(target, at + 2, value & 0xffff);
}

function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(':'), (part) => parseInt(part, 16) || 0).subarray(0, 6);
}

function ipBytes(ip: string): Uint8Array {
  if (!ip.includes(':')) return Uint8Array.from(ip.split('.'), Number).subarray(0, 4);
  const out = bytes(16);
  const [head = '', tail] = ip.split('::');
  const groups = (text: string) =>
    text === '' ? [] : text.split(':').map((part) => parseInt(part, 16) || 0);
  groups(head).forEach((group, i) => put16(out, i * 2, group));
  const last = tail === undefined ? [] : groups(tail);
  last.forEach((group, i) => put16(out, 16 - (last.length - i) * 2, group));
  return out;
}

function tcpFlags(letters: string): number {
  const bits: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, '.': 16, U: 32, E: 64, W: 128 };
  return [...letters].reduce((sum, letter) => sum | (bits[letter] ?? 0), 0);
}

/** From tcpdump's words, `mss 1410,sackOK,TS val 1 ecr 0,nop,wscale 7`, padded to a multiple of four. */
function tcpOptions(text: string): Uint8Array {
  const out: number[] = [];
  for (const option of text.split(',')) {
    const [name, ...values] = option.trim().split(' ');
    if (name === 'mss') out.push(2, 4, ...u16(values[0]));
    else if (name === 'sackOK') out.push(4, 2);
    else if (name === 'wscale') out.push(3, 3, Number(values[0]) & 255);
    else if (name === 'TS') out.push(8, 10, ...u32(values[1]), ...u32(values[3]));
    else if (name === 'nop') out.push(1);
  }
  while (out.length % 4 !== 0) out.push(out.length % 4 === 3 ? 0 : 1);
  return Uint8Array.from(out.slice(0, 40));
}

function u16(text: string | undefined): number[] {
  const value = Number(text ?? 0);
  return [(value >> 8) & 255, value & 255];
}

function u32(text: string | undefined): number[] {
  const value = Number(text ?? 0);
  return [...u16(String(value >>> 16)), ...u16(String(value & 0xffff))];
}

/** RFC 1071. */
function checksum(data: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i < data.length; i += 2) sum += (data[i] ?? 0) * 256 + (data[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return ~sum & 0xffff;
}

function transportChecksum({ src, dst }: Pseudo, protocol: number, data: Uint8Array): number {
  let sum = protocol + data.length;
  for (const end of [src, dst])
    for (let i = 0; i < end.length; i += 2) sum += (end[i] ?? 0) * 256 + (end[i + 1] ?? 0);
  return checksum(data, sum);
}
