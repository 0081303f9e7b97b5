/** Cutting a packet to an MTU (net/ipv4/ip_output.c, ip_do_fragment; IPv6 with its fragment header). */
import { isIpv6 } from './address.ts';
import type { IpPacket } from './packet.ts';

export function fragmentPacket(packet: IpPacket, mtu: number): IpPacket[] {
  const room = Math.floor((mtu - (isIpv6(packet.src) ? 48 : 20)) / 8) * 8;
  const body = packet.payload.length;
  if (room <= 0 || packet.length <= mtu) return [packet];
  const pieces: IpPacket[] = [];
  for (let start = 0; start < body; start += room) {
    const end = Math.min(start + room, body);
    pieces.push(packet.fragment(start, end, end === body));
  }
  return pieces;
}
