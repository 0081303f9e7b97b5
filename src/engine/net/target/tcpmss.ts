import { isIpv6 } from '../address.ts';
import type { TargetExtension } from '../iptables-extension.ts';
import { parseInteger } from '../iptables-rule.ts';
import type { Flow } from '../netfilter-flow.ts';
import { IpPacket, TCP_SYN, TcpSegment } from '../packet.ts';

/** Lowers the MSS that a SYN announces (net/netfilter/xt_TCPMSS.c). */
function clamp(flow: Flow, wanted: number | undefined): void {
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

export const tcpmss: TargetExtension = {
  name: 'TCPMSS',
  options: [
    { name: 'set-mss', argument: 'required' },
    { name: 'clamp-mss-to-pmtu', argument: 'none' },
  ],
  create(given, { chain, protocol }) {
    const option = given.get('set-mss');
    const pmtu = given.has('clamp-mss-to-pmtu');
    if (option === undefined && !pmtu) return { error: 'TCPMSS target: At least one parameter is required' };
    const mss = option === undefined ? undefined : parseInteger(option.value, 65495);
    if (option !== undefined && mss === undefined) {
      return { error: 'TCPMSS: bad value for option "--set-mss", or out of range (0-65495).\n' };
    }
    if (protocol?.number !== 6 || protocol.invert) return { kernel: 'Invalid argument' };
    if (pmtu && (chain === 'PREROUTING' || chain === 'INPUT')) return { kernel: 'Invalid argument' };
    return {
      kind: 'extension',
      name: 'TCPMSS',
      save: pmtu ? ' --clamp-mss-to-pmtu' : ` --set-mss ${mss ?? 0}`,
      list: () => (pmtu ? ' TCPMSS clamp to PMTU' : ` TCPMSS set ${mss ?? 0}`),
      apply(flow) {
        clamp(flow, pmtu ? undefined : mss);
        return 'CONTINUE';
      },
    };
  },
};
