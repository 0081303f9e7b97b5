import type { MatchExtension } from '../iptables-extension.ts';
import { addrtype } from './addrtype.ts';
import { conntrack, state } from './conntrack.ts';
import { icmp, icmp6 } from './icmp.ts';
import { limit } from './limit.ts';
import { connmark, mark } from './mark.ts';
import { comment, iprange, length, mac, nfacct, rpfilter, ttl } from './packet.ts';
import { physdev } from './physdev.ts';
import { multiport, sctp, tcp, udp } from './ports.ts';
import { recent } from './recent.ts';
import { set } from './set.ts';
import { statistic } from './statistic.ts';

/** What `-m` can load. */
export const MATCHES: ReadonlyMap<string, MatchExtension> = new Map(
  [
    addrtype,
    comment,
    conntrack,
    connmark,
    icmp,
    icmp6,
    iprange,
    length,
    limit,
    mac,
    mark,
    multiport,
    nfacct,
    physdev,
    recent,
    rpfilter,
    sctp,
    set,
    state,
    statistic,
    tcp,
    ttl,
    udp,
  ].map((extension) => [extension.name, extension]),
);
