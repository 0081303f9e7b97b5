import { isIpv6 } from './address.ts';
import type { Flow } from './netfilter-flow.ts';
import { IpPacket, TCP_SYN, TcpSegment } from './packet.ts';

/** Lowers the MSS that a SYN announces, to `wanted` or to what the way allows (net/netfilter/xt_TCPMSS.c). */
export function clampMss(flow: Flow, wanted: number | undefined): void {
  const { packet } = flow.skb;
  const segment = packet.payload;
  if (segment.kind !== 'tcp' || (segment.flags & TCP_SYN) === 0) return;
  const headers = isIpv6(packet.src) ? 60 : 40;
  const mss = wanted ?? flow.env.pathMtu(flow) - headers;
  const before = segment.options.mss;
  if (mss <= 0 || (before !== undefined && before <= mss)) return;
  const changed = new TcpSegment(
    segment.sport,
    segment.dport,
    segment.seq,
    segment.ack,
    segment.flags,
    segment.window,
    { ...segment.options, mss },
    segment.data,
  );
  flow.skb.packet = new IpPacket(
    packet.src,
    packet.dst,
    packet.protocol,
    packet.ttl,
    packet.tos,
    packet.id,
    packet.df,
    packet.mf,
    packet.offset,
    changed,
  );
}
