/** Cutting an IPv4 packet to an MTU (net/ipv4/ip_output.c, ip_do_fragment). */
import type { IpPacket } from './packet.ts';

export function fragmentPacket(packet: IpPacket, mtu: number): IpPacket[] {
  const room = Math.floor((mtu - 20) / 8) * 8;
  const body = packet.payload.length;
  if (room <= 0 || packet.length <= mtu) return [packet];
  const pieces: IpPacket[] = [];
  for (let start = 0; start < body; start += room) {
    const end = Math.min(start + room, body);
    pieces.push(packet.fragment(start, end, end === body));
  }
  return pieces;
}
