import { fromBase64 } from './base64.ts';
import type { ExperimentRecord } from './record.ts';
import { frameBytes } from './wire.ts';

/** A record as a pcapng file (draft-ietf-opsawg-pcapng) with one interface block per interface, named `NETNS:IF`. */
export function pcapng(record: ExperimentRecord): Uint8Array {
  const blocks: Uint8Array[] = [sectionHeader()];
  const interfaces = new Map<string, number>();
  const payloads = new Map<number, Uint8Array>();
  const payload = (index: number): Uint8Array | undefined => {
    const text = record.payloads?.[index];
    if (text === undefined) return undefined;
    const known = payloads.get(index) ?? fromBase64(text);
    payloads.set(index, known);
    return known;
  };
  const frames = record.events.filter((event) => event.kind === 'frame');
  for (const { netns, dev } of frames) {
    const name = `${netns}:${dev}`;
    if (interfaces.has(name)) continue;
    interfaces.set(name, interfaces.size);
    blocks.push(interfaceDescription(name));
  }
  for (const frame of frames) {
    const id = interfaces.get(`${frame.netns}:${frame.dev}`) ?? 0;
    const bytes = frameBytes(record.headers[frame.header] ?? [], payload);
    blocks.push(enhancedPacket(id, frame.at, bytes, frame.dir === 'in' ? 1 : 2));
  }
  const file = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of blocks) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

const ETHERNET = 1;

function sectionHeader(): Uint8Array {
  return block(0x0a0d0d0a, [u32(0x1a2b3c4d), u16(1), u16(0), u32(0xffffffff), u32(0xffffffff)]);
}

function interfaceDescription(name: string): Uint8Array {
  return block(1, [u16(ETHERNET), u16(0), u32(0), option(2, new TextEncoder().encode(name)), u32(0)]);
}

/** Timestamps are in microseconds, the default resolution; `direction` is 1 for inbound and 2 for outbound. */
function enhancedPacket(id: number, at: number, data: Uint8Array, direction: 1 | 2): Uint8Array {
  return block(6, [
    u32(id),
    u32(Math.floor(at / 2 ** 32)),
    u32(at % 2 ** 32),
    u32(data.length),
    u32(data.length),
    padded(data),
    option(2, u32(direction)),
    u32(0),
  ]);
}

function block(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = 12 + parts.reduce((sum, part) => sum + part.length, 0);
  const whole = new Uint8Array(length);
  whole.set(u32(type), 0);
  whole.set(u32(length), 4);
  let at = 8;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  whole.set(u32(length), at);
  return whole;
}

function option(code: number, value: Uint8Array): Uint8Array {
  const body = padded(value);
  const whole = new Uint8Array(4 + body.length);
  whole.set(u16(code), 0);
  whole.set(u16(value.length), 2);
  whole.set(body, 4);
  return whole;
}

function padded(data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(data.length / 4) * 4);
  whole.set(data);
  return whole;
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 255, (value >> 8) & 255);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255);
}
