import { describe, expect, it } from 'vitest';
import { parseIp } from '../../../src/engine/net/address.ts';
import { Conntrack, formatEntry, formatProcEntry } from '../../../src/engine/net/conntrack.ts';
import {
  EMPTY,
  ICMP_ECHO,
  ICMP_ECHO_REPLY,
  ICMP_UNREACHABLE,
  IcmpMessage,
  IpPacket,
  TCP_NO_OPTIONS,
  TcpSegment,
  UdpDatagram,
  type Transport,
} from '../../../src/engine/net/packet.ts';
import { Skb } from '../../../src/engine/net/skb.ts';
import { World } from '../../../src/engine/net/world.ts';

const A = parseIp('10.0.0.1') ?? 0;
const B = parseIp('10.0.0.2') ?? 0;
const ROUTER = parseIp('10.0.0.254') ?? 0;
const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16 };

function ip(src: number, dst: number, protocol: number, payload: Transport): IpPacket {
  return new IpPacket(src, dst, protocol, 64, 0, 1, true, false, 0, payload);
}

/** `> S`, `< SA`, `> A+10`: direction, flags, bytes of data. Sequence numbers follow what was sent. */
class Talk {
  readonly ns = new World().createNetns('node');
  readonly conntrack = this.ns.conntrack;
  readonly #next = { '>': 1000, '<': 5000 };

  get now(): number {
    return this.ns.world.now;
  }

  set now(value: number) {
    this.ns.world.now = value;
  }

  tcp(text: string): string {
    const [, way, flagText = '', size = '0'] = /^([<>]) ([A-Z]+)(?:\+(\d+))?$/.exec(text) ?? [];
    const forward = way === '>';
    const mine = forward ? '>' : '<';
    const theirs = forward ? '<' : '>';
    const flags = [...flagText].reduce((bits, letter) => bits | (FLAGS[letter] ?? 0), 0);
    const data = new Uint8Array(Number(size));
    const segment = new TcpSegment(
      forward ? 40000 : 80,
      forward ? 80 : 40000,
      this.#next[mine],
      (flags & 16) === 0 ? 0 : this.#next[theirs],
      flags,
      64240,
      TCP_NO_OPTIONS,
      data,
    );
    this.#next[mine] += data.length + ((flags & 3) === 0 ? 0 : 1);
    return this.send(forward ? ip(A, B, 6, segment) : ip(B, A, 6, segment));
  }

  send(packet: IpPacket): string {
    const skb = new Skb(this.ns, packet, 1);
    this.conntrack.track(skb);
    this.conntrack.confirm(skb);
    return `${skb.ctState ?? ''}${skb.ctReply ? ' reply' : ''}`;
  }

  lines(): string[] {
    return this.conntrack.list().map((entry) => formatEntry(entry, this.now));
  }
}

const TUPLES =
  'src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=40000';
const UNREPLIED =
  'src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=40000';

describe('conntrack of TCP', () => {
  it.each([
    [['> S'], `tcp      6 119 SYN_SENT ${UNREPLIED} mark=0 use=1`],
    [['> S', '< SA'], `tcp      6 59 SYN_RECV ${TUPLES} mark=0 use=1`],
    [['> S', '< SA', '> A'], `tcp      6 431999 ESTABLISHED ${TUPLES} [ASSURED] mark=0 use=1`],
    [['> S', '< SA', '> A', '> PA+10'], `tcp      6 299 ESTABLISHED ${TUPLES} [ASSURED] mark=0 use=1`],
    [
      ['> S', '< SA', '> A', '> PA+10', '< A'],
      `tcp      6 431999 ESTABLISHED ${TUPLES} [ASSURED] mark=0 use=1`,
    ],
    [['> S', '< SA', '> A', '< FA'], `tcp      6 119 FIN_WAIT ${TUPLES} [ASSURED] mark=0 use=1`],
    [['> S', '< SA', '> A', '< FA', '> A'], `tcp      6 59 CLOSE_WAIT ${TUPLES} [ASSURED] mark=0 use=1`],
    [['> S', '< SA', '> A', '< FA', '> FA'], `tcp      6 29 LAST_ACK ${TUPLES} [ASSURED] mark=0 use=1`],
    [
      ['> S', '< SA', '> A', '> FA', '< FA', '> A'],
      `tcp      6 119 TIME_WAIT ${TUPLES} [ASSURED] mark=0 use=1`,
    ],
    [['> S', '< SA', '> A', '< R'], `tcp      6 9 CLOSE ${TUPLES} [ASSURED] mark=0 use=1`],
  ])('after %j prints %s', (segments, line) => {
    const talk = new Talk();
    for (const segment of segments) talk.tcp(segment);
    expect(talk.lines()).toEqual([line]);
  });

  it('says NEW until the answer, then ESTABLISHED both ways', () => {
    const talk = new Talk();
    expect(['> S', '> S', '< SA', '> A'].map((segment) => talk.tcp(segment))).toEqual([
      'NEW',
      'NEW',
      'ESTABLISHED reply',
      'ESTABLISHED',
    ]);
  });

  it('forgets a connection whose only answer was a RST, yet the RST belonged to it', () => {
    const talk = new Talk();
    talk.tcp('> S');
    expect(talk.tcp('< RA')).toBe('ESTABLISHED reply');
    expect(talk.lines()).toEqual([]);
  });

  it.each([['< SA'], ['> R'], ['> F']])('calls %s out of the blue INVALID', (segment) => {
    const talk = new Talk();
    expect(talk.tcp(segment)).toBe('INVALID');
    expect(talk.lines()).toEqual([]);
  });

  it('picks up a connection in the middle, but for five minutes only', () => {
    const talk = new Talk();
    expect(talk.tcp('> A')).toBe('NEW');
    expect(talk.lines()[0]).toContain(' 299 ESTABLISHED ');
  });

  it('begins anew when a SYN meets a closed connection', () => {
    const talk = new Talk();
    for (const segment of ['> S', '< SA', '> A', '> FA', '< FA', '> A']) talk.tcp(segment);
    expect(talk.tcp('> S')).toBe('NEW');
    expect(talk.lines()).toEqual([`tcp      6 119 SYN_SENT ${UNREPLIED} mark=0 use=1`]);
  });
});

describe('conntrack of UDP, ICMP and the rest', () => {
  const udp = (forward: boolean): IpPacket =>
    forward
      ? ip(A, B, 17, new UdpDatagram(40000, 80, EMPTY))
      : ip(B, A, 17, new UdpDatagram(80, 40000, EMPTY));

  it('counts UDP as a stream once it is answered and older than two seconds', () => {
    const talk = new Talk();
    talk.send(udp(true));
    expect(talk.lines()).toEqual([`udp      17 29 ${UNREPLIED} mark=0 use=1`]);
    talk.send(udp(false));
    expect(talk.lines()).toEqual([`udp      17 29 ${TUPLES} mark=0 use=1`]);
    talk.now = 2_500_000;
    talk.send(udp(true));
    expect(talk.lines()).toEqual([`udp      17 119 ${TUPLES} [ASSURED] mark=0 use=1`]);
  });

  it('lets entries expire by themselves', () => {
    const talk = new Talk();
    talk.send(udp(true));
    talk.now = 29_999_999;
    expect(talk.lines()).toHaveLength(1);
    talk.now = 30_000_000;
    expect(talk.lines()).toEqual([]);
    expect(talk.send(udp(false))).toBe('NEW');
  });

  it('keeps echoes apart by their identifier', () => {
    const talk = new Talk();
    const echo = (id: number): IpPacket => ip(A, B, 1, new IcmpMessage(ICMP_ECHO, 0, { id, seq: 1 }));
    expect(talk.send(echo(7))).toBe('NEW');
    expect(talk.send(echo(8))).toBe('NEW');
    expect(talk.send(ip(B, A, 1, new IcmpMessage(ICMP_ECHO_REPLY, 0, { id: 7, seq: 1 })))).toBe(
      'ESTABLISHED reply',
    );
    expect(talk.send(ip(B, A, 1, new IcmpMessage(ICMP_ECHO_REPLY, 0, { id: 9, seq: 1 })))).toBe('INVALID');
    expect(talk.lines()).toEqual([
      'icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=7 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=7 mark=0 use=1',
      'icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=8 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=8 mark=0 use=1',
    ]);
  });

  it('relates an ICMP error to the connection that it quotes, if it is addressed to its sender', () => {
    const talk = new Talk();
    talk.send(udp(true));
    const error = (to: number): IpPacket =>
      ip(ROUTER, to, 1, new IcmpMessage(ICMP_UNREACHABLE, 3, { quoted: udp(true) }));
    expect(talk.send(error(A))).toBe('RELATED reply');
    expect(talk.send(error(B))).toBe('INVALID');
    talk.conntrack.delete(() => true);
    expect(talk.send(error(A))).toBe('INVALID');
  });

  it('prints protocols that it does not know as /proc and conntrack do', () => {
    const talk = new Talk();
    talk.send(ip(A, B, 47, new UdpDatagram(0, 0, EMPTY)));
    const [entry] = talk.conntrack.list();
    expect(entry && formatProcEntry(entry, talk.now)).toBe(
      'ipv4     2 gre      47 599 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 mark=0 zone=0 use=2',
    );
  });

  it('deletes what it is told to', () => {
    const talk = new Talk();
    talk.send(udp(true));
    talk.tcp('> S');
    expect(talk.conntrack.delete((entry) => entry.original.protocol === 17)).toBe(1);
    expect(talk.lines()).toEqual([`tcp      6 119 SYN_SENT ${UNREPLIED} mark=0 use=1`]);
  });

  it('finds ten thousand connections among each other', () => {
    const talk = new Talk();
    for (let i = 0; i < 10_000; i++)
      talk.send(ip(A + (i & 255), B, 17, new UdpDatagram(1024 + (i >> 8), 53, EMPTY)));
    expect(talk.conntrack.list()).toHaveLength(10_000);
    expect(talk.send(ip(B, A + 5, 17, new UdpDatagram(53, 1024 + 3, EMPTY)))).toBe('ESTABLISHED reply');
    expect(new Conntrack(() => 0).list()).toEqual([]);
  });
});
