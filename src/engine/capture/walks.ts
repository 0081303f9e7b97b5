import { describeFrame } from './hops.ts';
import type { Layer, RecordEvent, Walk } from './record.ts';

type Headers = readonly (readonly Layer[])[];

/** What is known of one end of a TCP connection while the walks are told apart. */
interface Talk {
  readonly role: 'client' | 'server';
  data: boolean;
  closing: boolean;
}

/** Every walk of the events with what it was, in order of its first event. */
export function walksOf(
  events: readonly RecordEvent[],
  headers: Headers,
  causeOf: (walk: number) => number | undefined,
): Walk[] {
  const firsts = new Map<number, { readonly netns: string; readonly layers: readonly Layer[] | undefined }>();
  const outcomes = new Map<number, Walk['outcome']>();
  for (const event of events) {
    if (event.kind === 'frame') {
      if (firsts.get(event.walk)?.layers === undefined)
        firsts.set(event.walk, { netns: event.netns, layers: headers[event.header] });
    } else if (!firsts.has(event.walk)) firsts.set(event.walk, { netns: event.netns, layers: undefined });
    const before = outcomes.get(event.walk) ?? 'in-flight';
    outcomes.set(event.walk, event.kind === 'frame' ? before : outcomeAfter(before, event));
  }
  const talks = new Map<string, Talk>();
  return [...firsts].map(([id, { netns, layers }]): Walk => {
    const cause = causeOf(id);
    const known = cause !== undefined && firsts.has(cause) ? { cause } : {};
    const what = layers === undefined ? undefined : classify(netns, layers, talks, cause !== undefined);
    return {
      id,
      ...known,
      exchange: what?.exchange ?? 'other',
      direction: what?.direction ?? 'request',
      summary: layers === undefined ? localSummary(events, id) : summary(layers),
      outcome: outcomes.get(id) ?? 'in-flight',
    };
  });
}

const ends: ReadonlySet<string> = new Set([
  'drop',
  'route-none',
  'route-blackhole',
  'route-unreachable',
  'route-prohibit',
  'rp-filter',
  'martian',
  'forwarding-off',
  'not-for-us',
  'ttl-expired',
  'neigh-failed',
  'vxlan-no-fdb',
  'link-down',
  'no-socket',
]);

/** A flooded copy that nobody wanted does not undo a delivery. */
function outcomeAfter(
  before: Walk['outcome'],
  { decision }: RecordEvent & { readonly kind: 'decision' },
): Walk['outcome'] {
  if (before === 'delivered') return before;
  if (decision.code === 'deliver') return 'delivered';
  if (before === 'consumed') return before;
  if (decision.code === 'arp-answer' || decision.code === 'neigh-learn') return 'consumed';
  if (ends.has(decision.code)) return 'dropped';
  if (
    (decision.code === 'rule' ||
      decision.code === 'nft-rule' ||
      decision.code === 'nft-policy' ||
      decision.code === 'chain-policy') &&
    /^(DROP|REJECT)/.test(decision.verdict)
  )
    return 'dropped';
  if (decision.code === 'chain-policy' && decision.verdict.endsWith('DROP')) return 'dropped';
  if (decision.code === 'mtu-exceeded' && decision.answer !== 'fragment') return 'dropped';
  return before;
}

interface What {
  readonly exchange: Walk['exchange'];
  readonly direction: Walk['direction'];
}

function classify(netns: string, layers: readonly Layer[], talks: Map<string, Talk>, caused: boolean): What {
  const inner = layers.slice(
    layers.findLastIndex((layer) => layer.kind === 'ipv4' || layer.kind === 'ipv6' || layer.kind === 'arp'),
  );
  const [ip, transport] = inner;
  if (ip?.kind === 'arp') return { exchange: 'arp', direction: ip.op };
  if (ip?.kind !== 'ipv4' && ip?.kind !== 'ipv6') return { exchange: 'other', direction: 'request' };
  switch (transport?.kind) {
    case 'tcp':
      return classifyTcp(
        `${netns} ${ip.src} ${transport.sport} ${ip.dst} ${transport.dport}`,
        transport,
        inner[2],
        talks,
      );
    case 'udp': {
      const dns = inner[2]?.kind === 'dns' || transport.dport === 53 || transport.sport === 53;
      const reply = dns
        ? transport.sport === 53
        : talks.has(`${netns} ${ip.dst} ${transport.dport} ${ip.src} ${transport.sport}`) || caused;
      talks.set(`${netns} ${ip.src} ${transport.sport} ${ip.dst} ${transport.dport}`, {
        role: 'client',
        data: true,
        closing: false,
      });
      return { exchange: dns ? 'dns' : 'udp', direction: reply ? 'reply' : 'request' };
    }
    case 'icmp':
    case 'icmp6': {
      if (transport.neighbour !== undefined)
        return { exchange: 'nd', direction: transport.type === 136 ? 'reply' : 'request' };
      if (transport.about !== undefined) return { exchange: 'icmp-error', direction: 'reply' };
      const reply = transport.kind === 'icmp' ? transport.type === 0 : transport.type === 129;
      return { exchange: 'icmp', direction: reply ? 'reply' : 'request' };
    }
    default:
      return { exchange: 'other', direction: caused ? 'reply' : 'request' };
  }
}

function classifyTcp(
  key: string,
  { flags, length, sport, dport }: Layer & { readonly kind: 'tcp' },
  next: Layer | undefined,
  talks: Map<string, Talk>,
): What {
  const syn = flags.includes('S');
  const ack = flags.includes('.');
  let talk = talks.get(key);
  if (talk === undefined || (syn && talk.closing)) {
    const role = syn ? (ack ? 'server' : 'client') : sport < dport ? 'server' : 'client';
    talk = { role, data: false, closing: false };
    talks.set(key, talk);
  }
  const direction = talk.role === 'client' ? 'request' : 'reply';
  if (syn) return { exchange: 'handshake', direction };
  if (flags.includes('R')) {
    talk.closing = true;
    return { exchange: 'close', direction: ack && !talk.data && length === 0 ? 'reply' : direction };
  }
  if (flags.includes('F')) {
    talk.closing = true;
    return { exchange: 'close', direction };
  }
  if (length > 0) {
    talk.data = true;
    if (next?.kind === 'dns') return { exchange: 'dns', direction };
    return { exchange: talk.role === 'client' ? 'request' : 'answer', direction };
  }
  if (talk.closing) return { exchange: 'close', direction };
  // An acknowledgement belongs to what it acknowledges: the other side's handshake or data.
  if (talk.role === 'server') return { exchange: 'request', direction };
  return { exchange: talk.data ? 'answer' : 'handshake', direction };
}

/** tcpdump's words for a packet at its start. */
function summary(layers: readonly Layer[]): string {
  const text = describeFrame(layers)
    .replace(/ ttl=\S+/, '')
    .replace(/ (vxlan|ipip)\(\S+\)/, '');
  const dns = layers.findLast((layer) => layer.kind === 'dns');
  if (dns?.kind === 'dns') return `${text} ${dns.text}`;
  const tcp = layers.findLast((layer) => layer.kind === 'tcp');
  return tcp?.kind === 'tcp' ? text.replace(/\[[A-Z]+\]/, `[${tcp.flags}]`) : text;
}

/** A packet that never became a frame: its socket's words. */
function localSummary(events: readonly RecordEvent[], id: number): string {
  for (const event of events)
    if (event.kind === 'decision' && event.walk === id && event.decision.code === 'send')
      return `${event.decision.src} > ${event.decision.dst} ${event.decision.protocol}`;
  return '';
}
