/** DNS messages on the wire: RFC 1035, AAAA from RFC 3596, SRV from RFC 2782. Names are absolute and end in a dot. */

import { formatIp, internIpv6, IPV6_ANY, ipv6Words, parseIp } from '../net/address.ts';

export type RecordType = 'A' | 'NS' | 'CNAME' | 'SOA' | 'PTR' | 'MX' | 'TXT' | 'AAAA' | 'SRV' | 'ANY';

type Rcode = 'NOERROR' | 'FORMERR' | 'SERVFAIL' | 'NXDOMAIN' | 'NOTIMP' | 'REFUSED';

export interface Question {
  readonly name: string;
  /** A type without a name here is its number, as in `TYPE65`. */
  readonly type: RecordType | `TYPE${number}`;
}

export type Rdata =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'NS' | 'CNAME' | 'PTR'; readonly target: string }
  | { readonly type: 'MX'; readonly preference: number; readonly target: string }
  | { readonly type: 'TXT'; readonly texts: readonly string[] }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | {
      readonly type: 'SOA';
      readonly mname: string;
      readonly rname: string;
      readonly serial: number;
      readonly refresh: number;
      readonly retry: number;
      readonly expire: number;
      readonly minimum: number;
    };

export interface ResourceRecord {
  readonly name: string;
  readonly ttl: number;
  readonly data: Rdata;
}

export interface DnsMessage {
  readonly id: number;
  readonly response: boolean;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly rcode: Rcode;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
  /** The UDP payload size of an EDNS0 OPT record (RFC 6891), when one came along. */
  readonly udpSize?: number;
}

const typeCodes: Readonly<Record<RecordType, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  ANY: 255,
};
const typeNames = new Map<number, RecordType>();
for (const [name, code] of Object.entries(typeCodes)) if (isRecordType(name)) typeNames.set(code, name);
const OPT = 41;
const rcodes: readonly Rcode[] = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

export function isRecordType(text: string): text is RecordType {
  return Object.hasOwn(typeCodes, text);
}

export function query(id: number, name: string, type: Question['type']): DnsMessage {
  return {
    id,
    response: false,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    rcode: 'NOERROR',
    questions: [{ name: absolute(name), type }],
    answers: [],
    authorities: [],
    additionals: [],
  };
}

export function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`;
}

export function encodeMessage(message: DnsMessage): Uint8Array {
  const writer = new Writer();
  writer.u16(message.id);
  writer.u16(
    (message.response ? 0x8000 : 0) |
      (message.authoritative ? 0x0400 : 0) |
      (message.truncated ? 0x0200 : 0) |
      (message.recursionDesired ? 0x0100 : 0) |
      (message.recursionAvailable ? 0x0080 : 0) |
      rcodes.indexOf(message.rcode),
  );
  writer.u16(message.questions.length);
  writer.u16(message.answers.length);
  writer.u16(message.authorities.length);
  writer.u16(message.additionals.length + (message.udpSize === undefined ? 0 : 1));
  for (const question of message.questions) {
    writer.name(question.name);
    writer.u16(typeCode(question.type));
    writer.u16(1);
  }
  for (const section of [message.answers, message.authorities, message.additionals])
    for (const record of section) writer.record(record);
  if (message.udpSize !== undefined) {
    writer.bytes.push(0);
    writer.u16(OPT);
    writer.u16(message.udpSize);
    writer.u32(0);
    writer.u16(0);
  }
  return Uint8Array.from(writer.bytes);
}

/** `undefined` for bytes that are no DNS message; records of unknown types are left out. */
export function decodeMessage(bytes: Uint8Array): DnsMessage | undefined {
  const reader = new Reader(bytes);
  const id = reader.u16();
  const flags = reader.u16();
  const counts = [reader.u16(), reader.u16(), reader.u16(), reader.u16()];
  const questions: Question[] = [];
  for (let n = counts[0] ?? 0; n > 0 && !reader.failed; n--) {
    const name = reader.name();
    const code = reader.u16();
    reader.u16();
    questions.push({ name, type: typeNames.get(code) ?? `TYPE${code}` });
  }
  let udpSize: number | undefined;
  const sections: ResourceRecord[][] = [];
  for (const count of counts.slice(1)) {
    const section: ResourceRecord[] = [];
    for (let n = count; n > 0 && !reader.failed; n--) {
      const record = reader.record();
      if (record === undefined) continue;
      if ('udpSize' in record) udpSize = record.udpSize;
      else section.push(record);
    }
    sections.push(section);
  }
  if (reader.failed) return undefined;
  const [answers = [], authorities = [], additionals = []] = sections;
  return {
    id,
    response: (flags & 0x8000) !== 0,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    rcode: rcodes[flags & 15] ?? 'SERVFAIL',
    questions,
    answers,
    authorities,
    additionals,
    ...(udpSize === undefined ? {} : { udpSize }),
  };
}

/** tcpdump's words: `1234+ A? web.default.svc.cluster.local. (46)`, `1234* 1/0/0 A 10.96.0.20 (62)`. */
export function summarizeMessage(message: DnsMessage, length: number): string {
  const question = message.questions[0];
  const asked = question === undefined ? '' : ` ${question.type}? ${question.name}`;
  if (!message.response) return `${message.id}${message.recursionDesired ? '+' : ''}${asked} (${length})`;
  const marks = `${message.authoritative ? '*' : ''}${message.recursionAvailable ? '' : '-'}${message.truncated ? '|' : ''}`;
  const rcode =
    message.rcode === 'NOERROR' ? '' : ` ${message.rcode === 'NXDOMAIN' ? 'NXDomain' : message.rcode}`;
  const counts = `${message.answers.length}/${message.authorities.length}/${message.additionals.length}`;
  const data = message.answers.map((record) => ` ${formatRdata(record.data)}`).join(',');
  return `${message.id}${rcode}${marks} ${counts}${data} (${length})`;
}

function formatRdata(data: Rdata): string {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return `${data.type} ${data.address}`;
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return `${data.type} ${data.target}`;
    case 'MX':
      return `MX ${data.target} ${data.preference}`;
    case 'TXT':
      return `TXT ${data.texts.map((text) => JSON.stringify(text)).join(' ')}`;
    case 'SRV':
      return `SRV ${data.target}:${data.port} ${data.priority} ${data.weight}`;
    case 'SOA':
      return 'SOA';
  }
}

function typeCode(type: Question['type']): number {
  return isRecordType(type) ? typeCodes[type] : Number(type.slice(4)) & 0xffff;
}

class Writer {
  readonly bytes: number[] = [];
  readonly #names = new Map<string, number>();

  u16(value: number): void {
    this.bytes.push((value >> 8) & 255, value & 255);
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value & 0xffff);
  }

  /** Labels, with a pointer to an earlier copy of a suffix (RFC 1035, 4.1.4). */
  name(name: string): void {
    let rest = absolute(name);
    while (rest !== '.' && rest !== '') {
      const known = this.#names.get(rest.toLowerCase());
      if (known !== undefined) {
        this.u16(0xc000 | known);
        return;
      }
      if (this.bytes.length < 0x4000) this.#names.set(rest.toLowerCase(), this.bytes.length);
      const dot = rest.indexOf('.');
      const label = rest.slice(0, Math.min(dot, 63));
      this.bytes.push(label.length);
      for (let i = 0; i < label.length; i++) this.bytes.push(label.charCodeAt(i) & 255);
      rest = rest.slice(dot + 1);
    }
    this.bytes.push(0);
  }

  record({ name, ttl, data }: ResourceRecord): void {
    this.name(name);
    this.u16(typeCodes[data.type]);
    this.u16(1);
    this.u32(ttl);
    const lengthAt = this.bytes.length;
    this.u16(0);
    this.#rdata(data);
    const length = this.bytes.length - lengthAt - 2;
    this.bytes[lengthAt] = length >> 8;
    this.bytes[lengthAt + 1] = length & 255;
  }

  #rdata(data: Rdata): void {
    switch (data.type) {
      case 'A':
        this.bytes.push(...data.address.split('.').map((octet) => Number(octet) & 255));
        break;
      case 'AAAA':
        for (const word of ipv6Words(parseIp(data.address) ?? IPV6_ANY)) this.u32(word);
        break;
      case 'NS':
      case 'CNAME':
      case 'PTR':
        this.name(data.target);
        break;
      case 'MX':
        this.u16(data.preference);
        this.name(data.target);
        break;
      case 'TXT':
        for (const text of data.texts) {
          const bytes = new TextEncoder().encode(text).subarray(0, 255);
          this.bytes.push(bytes.length, ...bytes);
        }
        break;
      case 'SRV':
        this.u16(data.priority);
        this.u16(data.weight);
        this.u16(data.port);
        this.name(data.target);
        break;
      case 'SOA':
        this.name(data.mname);
        this.name(data.rname);
        for (const field of [data.serial, data.refresh, data.retry, data.expire, data.minimum])
          this.u32(field);
        break;
    }
  }
}

class Reader {
  failed = false;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  #u8(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) this.failed = true;
    return byte ?? 0;
  }

  u16(): number {
    return this.#u8() * 256 + this.#u8();
  }

  u32(): number {
    return this.u16() * 65536 + this.u16();
  }

  /** A pointer may only lead backwards, so that no message can hold the reader in a loop. */
  name(): string {
    let text = '';
    let resume = -1;
    let limit = this.#at;
    for (;;) {
      const length = this.#u8();
      if (this.failed || text.length > 255) break;
      if (length === 0) {
        if (resume >= 0) this.#at = resume;
        return text === '' ? '.' : text;
      }
      if (length >= 0xc0) {
        const target = (length & 0x3f) * 256 + this.#u8();
        if (resume < 0) resume = this.#at;
        if (target >= limit) break;
        limit = target;
        this.#at = target;
        continue;
      }
      if (length > 63) break;
      for (let i = 0; i < length; i++) text += String.fromCharCode(this.#u8());
      text += '.';
    }
    this.failed = true;
    return '.';
  }

  record(): ResourceRecord | { readonly udpSize: number } | undefined {
    const name = this.name();
    const code = this.u16();
    const klass = this.u16();
    const ttl = this.u32();
    const length = this.u16();
    const end = this.#at + length;
    if (end > this.#bytes.length) this.failed = true;
    if (this.failed) return undefined;
    if (code === OPT) {
      this.#at = end;
      return { udpSize: klass };
    }
    const data = this.#rdata(typeNames.get(code), end);
    this.#at = end;
    return data === undefined ? undefined : { name, ttl, data };
  }

  #rdata(type: RecordType | undefined, end: number): Rdata | undefined {
    switch (type) {
      case 'A':
        return { type, address: [this.#u8(), this.#u8(), this.#u8(), this.#u8()].join('.') };
      case 'AAAA':
        return { type, address: formatIp(internIpv6(this.u32(), this.u32(), this.u32(), this.u32())) };
      case 'NS':
      case 'CNAME':
      case 'PTR':
        return { type, target: this.name() };
      case 'MX':
        return { type, preference: this.u16(), target: this.name() };
      case 'TXT': {
        const texts: string[] = [];
        while (this.#at < end && !this.failed) {
          const length = this.#u8();
          texts.push(
            new TextDecoder().decode(this.#bytes.subarray(this.#at, Math.min(end, this.#at + length))),
          );
          this.#at += length;
        }
        return { type, texts };
      }
      case 'SRV':
        return { type, priority: this.u16(), weight: this.u16(), port: this.u16(), target: this.name() };
      case 'SOA':
        return {
          type,
          mname: this.name(),
          rname: this.name(),
          serial: this.u32(),
          refresh: this.u32(),
          retry: this.u32(),
          expire: this.u32(),
          minimum: this.u32(),
        };
      case 'ANY':
      case undefined:
        return undefined;
    }
  }
}
