import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromBase64 } from '../../../src/engine/capture/base64.ts';
import { LayerTable } from '../../../src/engine/capture/layers.ts';
import { frameBytes } from '../../../src/engine/capture/wire.ts';
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
import type { Trace } from '../../../src/engine/net/trace.ts';
import { encodeFrame } from './encode.ts';
import { ORACLE, readOracle } from './kernel-cluster.ts';
import { runProbes } from './kernel-probe.ts';

const A = parseIp('10.244.1.2') ?? 0;
const B = parseIp('10.244.2.2') ?? 0;
const A6 = parseIp('fd00:10:244:1::2') ?? 0;
const B6 = parseIp('fd00:10:244:2::2') ?? 0;

const packet = (protocol: number, payload: Transport, src = A, dst = B): IpPacket =>
  new IpPacket(src, dst, protocol, 64, 0, 4711, true, false, 0, payload);
const frame = (payload: IpPacket): Frame => ipFrame(0x0a580af40102, 0x0a580af40101, payload);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 255);

/** The same frame by way of a record. */
function recorded(original: Frame): string {
  const table = new LayerTable();
  const layers = table.headers[table.header(original)] ?? [];
  return hex(frameBytes(layers, (data) => fromBase64(table.payloads[data] ?? '')));
}

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
const quoted = packet(IPPROTO_TCP, syn);
const long = packet(IPPROTO_UDP, new UdpDatagram(1, 2, bytes(100)));

/** The first two are written out; tshark found every checksum of such frames right. */
const CASES: readonly (readonly [string, Frame] | readonly [string, Frame, string])[] = [
  [
    'an ARP request',
    new Frame(
      0x0a580af40102,
      0xffffffffffff,
      'arp',
      new ArpPacket('request', 0x0a580af40102, A, 0, parseIp('10.244.1.1') ?? 0),
    ),
    'ffffffffffff0a580af40102080600010800060400010a580af401020af401020000000000000af40101',
  ],
  [
    'a ping',
    frame(packet(IPPROTO_ICMP, new IcmpMessage(8, 0, { id: 1, seq: 1, data: bytes(8) }))),
    '0a580af401010a580af401020800450000241267400040010f870af401020af402020800ebed000100010001020304050607',
  ],
  ['a SYN', frame(quoted)],
  ['data', frame(packet(IPPROTO_TCP, new TcpSegment(1, 2, 3, 4, 24, 5, { timestamp: [9, 8] }, bytes(33))))],
  ['a datagram of odd length', frame(packet(IPPROTO_UDP, new UdpDatagram(53, 4000, bytes(7))))],
  ['an error with its quotation', frame(packet(IPPROTO_ICMP, new IcmpMessage(3, 4, { mtu: 1450, quoted })))],
  ['a redirect', frame(packet(IPPROTO_ICMP, new IcmpMessage(5, 1, { gateway: B, quoted })))],
  ['a packet in a packet', frame(packet(IPPROTO_IPIP, quoted))],
  ['a frame in VXLAN', frame(packet(IPPROTO_UDP, new UdpDatagram(50000, 8472, new Vxlan(1, frame(quoted)))))],
  ['a first fragment', frame(long.fragment(0, 40, false))],
  ['a later fragment', frame(long.fragment(40, 108, true))],
  ['IPv6', frame(new IpPacket(A6, B6, IPPROTO_TCP, 64, 0, 0, false, false, 0, syn))],
];

describe('a frame on the wire', () => {
  it.each(CASES)('%s is the same from the packet and from the record', (...[, original, written]) => {
    expect(recorded(original)).toBe(hex(encodeFrame(original)));
    expect(encodeFrame(original).length).toBe(original.length);
    if (written !== undefined) expect(hex(encodeFrame(original))).toBe(written);
  });

  it.skipIf(!existsSync(ORACLE))('is the same in everything that some scenarios send', () => {
    const frames = new Set<Frame>();
    for (const name of [
      'cross-node-vxlan',
      'mtu-pod-1500-vxlan',
      'udp-closed-port',
      'hairpin-on',
      'ping-ttl',
    ])
      runProbes(readOracle(name), (trace: Trace) => {
        for (const event of trace.events) if (event.kind === 'frame') frames.add(event.frame);
      });
    expect(frames.size).toBeGreaterThan(300);
    for (const each of frames) expect(recorded(each)).toBe(hex(encodeFrame(each)));
  });
});
