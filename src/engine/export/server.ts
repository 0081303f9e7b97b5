/** What listens in a namespace, and what it was heard to answer. */
import { fromBase64, toBase64 } from '../capture/base64.ts';
import type { ExperimentRecord, Layer } from '../capture/record.ts';
import { formatIp, isAny, isIpv6 } from '../net/address.ts';
import type { Ip } from '../net/address.ts';
import type { Netns } from '../net/netns.ts';
import type { Resource } from './resource.ts';

/** One answer of a server. */
export interface Answer {
  /** The first line of an HTTP request, a DNS question or all that was asked in base64; `*` for any other HTTP request. */
  readonly to: string;
  /** In base64. */
  readonly bytes: string;
  /** Whether the server ends the connection with it. */
  readonly close: boolean;
}

/** Answers by server: `NETNS PROTOCOL PORT`. */
export type Answers = ReadonlyMap<string, readonly Answer[]>;

/** Every socket that waits to be asked. */
export function listenersOf(ns: Netns): Resource[] {
  const { listeners, udp } = ns.sockets.list();
  const open = [
    ...listeners.map((one) => `tcp ${place(one)}`),
    ...udp.filter(({ peer }) => peer === undefined).map((one) => `udp ${place(one)}`),
  ];
  return open.map((socket) => ({
    key: `server ${ns.name} ${socket}`,
    value: '',
    netns: ns.name,
    learnt: false,
    add: [{ program: 'server', netns: ns.name, text: `open ${socket}` }],
    remove: [{ program: 'server', netns: ns.name, text: `close ${socket}` }],
  }));
}

/** `:: 53`, and `:: 80 only` where IPv4 is another socket's. */
function place({
  ip,
  port,
  v6only,
}: {
  readonly ip: Ip;
  readonly port: number;
  readonly v6only: boolean;
}): string {
  return `${formatIp(ip)} ${port}${v6only && isIpv6(ip) && isAny(ip) ? ' only' : ''}`;
}

interface Conversation {
  readonly server: string;
  readonly protocol: 'tcp' | 'udp';
  readonly turns: { asked: number[]; said: number[]; close: boolean }[];
  readonly seen: Set<string>;
  clientEnded: boolean;
}

/** Reads the answers of servers out of the frames that reached and left their namespaces. */
export function answersIn(record: ExperimentRecord): Map<string, Answer[]> {
  const conversations = new Map<string, Conversation>();
  const passedOn = new Set<string>();
  for (const event of record.events) {
    if (event.kind !== 'frame') continue;
    const layers = record.headers[event.header] ?? [];
    const packet = packetOf(layers);
    if (packet === undefined) continue;
    const { protocol, src, dst, sport, dport } = packet;
    if (dport === 53 && event.dir === 'out')
      passedOn.add(`${event.netns} ${questionOf([...bytesOf(packet, record)])}`);
    // Over `lo` both directions are seen coming in.
    const asks = event.dir === 'in';
    const answers = event.dev === 'lo' ? event.dir === 'in' : event.dir === 'out';
    const asked = `${event.netns} ${protocol} ${dport} ${dst} ${src} ${sport}`;
    const said = `${event.netns} ${protocol} ${sport} ${src} ${dst} ${dport}`;
    const known = answers ? conversations.get(said) : undefined;
    if (known !== undefined) hear(known, packet, record);
    else if (asks && (protocol === 'udp' || packet.flags === 'S' || conversations.has(asked))) {
      const conversation = conversations.get(asked) ?? {
        server: `${event.netns} ${protocol} ${dport}`,
        protocol,
        turns: [],
        seen: new Set<string>(),
        clientEnded: false,
      };
      conversations.set(asked, conversation);
      ask(conversation, packet, record);
    }
  }
  const answers = new Map<string, Answer[]>();
  for (const { server, turns } of conversations.values()) {
    const list = answers.get(server) ?? [];
    answers.set(server, list);
    for (const { asked, said, close } of turns) {
      if (said.length === 0 && !close) continue;
      // What a name server asked another one is for that one to know.
      if (passedOn.has(`${server.replace(/ .*/, '')} ${questionOf(asked)}`)) continue;
      list.push(
        server.endsWith(' udp 53')
          ? dnsAnswer(asked, said)
          : { to: keyOf(asked), bytes: toBase64(Uint8Array.from(said)), close },
      );
    }
  }
  return answers;
}

interface Packet {
  readonly protocol: 'tcp' | 'udp';
  readonly src: string;
  readonly dst: string;
  readonly sport: number;
  readonly dport: number;
  readonly flags: string;
  readonly seq: number;
  readonly data: number | undefined;
}

/** Packets inside a tunnel are nobody's here. */
function packetOf(layers: readonly Layer[]): Packet | undefined {
  const [, ip, transport, payload] = layers;
  if ((ip?.kind !== 'ipv4' && ip?.kind !== 'ipv6') || payload?.kind === 'vxlan') return undefined;
  if (transport?.kind !== 'tcp' && transport?.kind !== 'udp') return undefined;
  const data = payload?.kind === 'payload' || payload?.kind === 'dns' ? payload.data : undefined;
  const { sport, dport, kind } = transport;
  const tcp = transport.kind === 'tcp' ? transport : { flags: '', seq: 0 };
  return { protocol: kind, src: ip.src, dst: ip.dst, sport, dport, flags: tcp.flags, seq: tcp.seq, data };
}

function bytesOf({ data }: Packet, record: ExperimentRecord): Uint8Array {
  const text = data === undefined ? undefined : record.payloads?.[data];
  return text === undefined ? new Uint8Array(0) : fromBase64(text);
}

function isRepeated({ seen }: Conversation, way: string, { seq, protocol }: Packet): boolean {
  if (protocol === 'udp') return false;
  const name = `${way} ${seq}`;
  if (seen.has(name)) return true;
  seen.add(name);
  return false;
}

function ask(conversation: Conversation, packet: Packet, record: ExperimentRecord): void {
  if (packet.flags.includes('F')) conversation.clientEnded = true;
  const bytes = bytesOf(packet, record);
  if (bytes.length === 0 || isRepeated(conversation, '>', packet)) return;
  const last = conversation.turns.at(-1);
  if (last === undefined || last.said.length > 0 || conversation.protocol === 'udp')
    conversation.turns.push({ asked: [...bytes], said: [], close: false });
  else last.asked.push(...bytes);
}

function hear(conversation: Conversation, packet: Packet, record: ExperimentRecord): void {
  const bytes = bytesOf(packet, record);
  const turn =
    conversation.protocol === 'udp'
      ? conversation.turns.find(({ asked, said }) => said.length === 0 && sameQuestion(asked, bytes))
      : conversation.turns.at(-1);
  if (bytes.length > 0 && !isRepeated(conversation, '<', packet)) {
    // A server that speaks first was asked nothing.
    const heard = turn ?? { asked: [], said: [], close: false };
    if (turn === undefined) conversation.turns.push(heard);
    heard.said.push(...bytes);
  }
  if (packet.flags.includes('F') && !conversation.clientEnded && turn !== undefined) turn.close = true;
}

/** Two questions of one socket, A and AAAA, are told apart by their DNS id. */
function sameQuestion(asked: readonly number[], said: Uint8Array): boolean {
  return asked[0] === said[0] && asked[1] === said[1];
}

/** An answer to whoever asks the same: without the id, which is the asker's. */
export function dnsAnswer(asked: readonly number[], said: readonly number[]): Answer {
  return { to: questionOf(asked), bytes: toBase64(Uint8Array.from(said.slice(2))), close: false };
}

/** Name, type and class of a DNS query. */
function questionOf(asked: readonly number[]): string {
  let end = 12;
  while (end < asked.length && asked[end] !== 0) end += (asked[end] ?? 0) + 1;
  const lower = asked.slice(12, end + 5).map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));
  return toBase64(Uint8Array.from(lower));
}

/** An HTTP request is known by its first line, anything else by all of it. */
function keyOf(asked: readonly number[]): string {
  const text = String.fromCharCode(...asked.slice(0, 2000));
  const line = /^[A-Z]+ \S+ HTTP\/1\.[01](?=\r?\n)/.exec(text)?.[0];
  return line ?? toBase64(Uint8Array.from(asked));
}
