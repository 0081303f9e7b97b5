import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIp } from '../../../src/engine/net/address.ts';
import {
  ArpPacket,
  Frame,
  IcmpMessage,
  IPPROTO_ICMP,
  IPPROTO_IPIP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IpPacket,
  ipFrame,
  TcpSegment,
  UdpDatagram,
  Vxlan,
  type Transport,
} from '../../../src/engine/net/packet.ts';
import { decodeFrame, encodeFrame } from '../../../src/engine/net/wire.ts';

const A = parseIp('10.244.1.2') ?? 0;
const B = parseIp('10.244.2.2') ?? 0;
const A6 = parseIp('fd00:10:244:1::2') ?? 0;
const B6 = parseIp('fd00:10:244:2::2') ?? 0;

function packet(protocol: number, payload: Transport, src = A, dst = B): IpPacket {
  return new IpPacket(src, dst, protocol, 64, 0, 4711, true, false, 0, payload);
}

function frame(payload: IpPacket): Frame {
  return ipFrame(0x0a580af40102, 0x0a580af40101, payload);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 255);

const syn = new TcpSegment(
  40001,
  80,
  1,
  0,
  2,
  64240,
  { mss: 1460, sackPermitted: true, timestamp: [5, 0], windowScale: 7 },
  bytes(0),
);
const error = new IcmpMessage(3, 4, { mtu: 1450, quoted: packet(IPPROTO_TCP, syn) });

describe('encodeFrame', () => {
  it('writes an ARP request as Ethernet has it', () => {
    const arp = new ArpPacket('request', 0x0a580af40102, A, 0, parseIp('10.244.1.1') ?? 0);
    expect(hex(encodeFrame(new Frame(0x0a580af40102, 0xffffffffffff, 'arp', arp)))).toBe(
      'ffffffffffff0a580af40102080600010800060400010a580af401020af401020000000000000af40101',
    );
  });

  it('writes a ping with both checksums', () => {
    const echo = new IcmpMessage(8, 0, { id: 1, seq: 1, data: bytes(8) });
    expect(hex(encodeFrame(frame(packet(IPPROTO_ICMP, echo))))).toBe(
      '0a580af401010a580af401020800450000241267400040010f870af401020af40202' +
        '0800ebed000100010001020304050607',
    );
  });

  it('lays the options of a SYN out as Linux does', () => {
    const encoded = hex(encodeFrame(frame(packet(IPPROTO_TCP, syn))));
    expect(encoded.slice((14 + 20 + 20) * 2)).toBe('020405b4' + '0402080a0000000500000000' + '01030307');
  });
});

describe('decodeFrame', () => {
  const cases: readonly (readonly [string, Frame])[] = [
    ['a SYN', frame(packet(IPPROTO_TCP, syn))],
    ['data', frame(packet(IPPROTO_TCP, new TcpSegment(1, 2, 3, 4, 24, 5, { timestamp: [9, 8] }, bytes(33))))],
    [
      'a selective acknowledgement',
      frame(
        packet(
          IPPROTO_TCP,
          new TcpSegment(1, 2, 3, 4, 16, 5, { timestamp: [9, 8], sack: [[1, 2]] }, bytes(0)),
        ),
      ),
    ],
    ['a datagram', frame(packet(IPPROTO_UDP, new UdpDatagram(53, 4000, bytes(7))))],
    ['a ping', frame(packet(IPPROTO_ICMP, new IcmpMessage(8, 0, { id: 7, seq: 9, data: bytes(56) })))],
    ['an error with its quotation', frame(packet(IPPROTO_ICMP, error))],
    [
      'a redirect',
      frame(packet(IPPROTO_ICMP, new IcmpMessage(5, 1, { gateway: B, quoted: packet(IPPROTO_TCP, syn) }))),
    ],
    ['a packet in a packet', frame(packet(IPPROTO_IPIP, packet(IPPROTO_TCP, syn)))],
    [
      'a frame in VXLAN',
      frame(packet(IPPROTO_UDP, new UdpDatagram(50000, 8472, new Vxlan(1, frame(packet(IPPROTO_TCP, syn)))))),
    ],
    ['IPv6', frame(new IpPacket(A6, B6, IPPROTO_TCP, 64, 0, 0, false, false, 0, syn))],
    [
      'neighbour discovery',
      frame(
        new IpPacket(
          A6,
          B6,
          58,
          255,
          0,
          0,
          false,
          false,
          0,
          new IcmpMessage(135, 0, {
            nd: { target: B6, mac: 5, router: false, solicited: false, override: false },
          }),
        ),
      ),
    ],
  ];

  it.each(cases)('reads back %s', (_, original) => {
    const encoded = encodeFrame(original);
    expect(encoded.length).toBe(original.length);
    const decoded = decodeFrame(encoded);
    expect(decoded).toEqual(original);
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => void decodeFrame(noise)));
    const whole = encodeFrame(frame(packet(IPPROTO_ICMP, error)));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, value, end) => {
        const damaged = Uint8Array.from(whole).subarray(0, end);
        if (at < damaged.length) damaged[at] = value;
        decodeFrame(damaged);
      }),
    );
  });

  it('gives a fragment back byte for byte', () => {
    const long = packet(IPPROTO_UDP, new UdpDatagram(1, 2, bytes(100)));
    const piece = frame(long.fragment(40, 80, false));
    const encoded = encodeFrame(piece);
    const decoded = decodeFrame(encoded);
    expect(decoded === undefined ? '' : hex(encodeFrame(decoded))).toBe(hex(encoded));
  });
});
