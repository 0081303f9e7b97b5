import type { SideVerdict } from '../verdict.ts';

/**
 * What decided, as a code and its parameters; the prose for each code lives in `components/strings/`.
 * Texts of entries (`entry`, `rule`) are exactly what the tool prints for the row, so that a table can mark it.
 */
export type Decision =
  /** A socket handed a packet to IP: the start of a walk. */
  | { code: 'send'; protocol: string; src: string; dst: string; process?: string }
  /** A socket received it: the end of a walk. `process` is the listening program, or the ping that waited. */
  | { code: 'deliver'; protocol: string; local: string; process?: string }
  /** Nobody listens on the port; `answer` is what the kernel sends back. */
  | { code: 'no-socket'; protocol: string; local: string; answer: 'RST' | 'port-unreachable' | 'none' }
  | { code: 'route'; dst: string; table: string; entry: string; dev: string; via?: string; src?: string }
  | { code: 'route-local'; dst: string; entry: string; dev: string }
  | { code: 'route-none'; dst: string }
  | {
      code: 'route-blackhole' | 'route-unreachable' | 'route-prohibit';
      dst: string;
      table: string;
      entry: string;
    }
  | { code: 'rp-filter'; src: string; dev: string; expected?: string }
  | { code: 'martian'; src: string; dst: string; dev: string }
  | { code: 'forwarding-off'; dst: string }
  | { code: 'not-for-us'; dst: string; dev: string }
  | { code: 'ttl'; before: number; after: number }
  | { code: 'ttl-expired'; at: string }
  | { code: 'fdb-forward'; bridge: string; mac: string; port: string; entry: string }
  | { code: 'fdb-flood'; bridge: string; mac: string; ports: readonly string[]; broadcast: boolean }
  | { code: 'fdb-local'; bridge: string; mac: string; entry: string }
  | { code: 'fdb-learn'; bridge: string; mac: string; port: string; moved: boolean }
  | { code: 'fdb-same-port'; bridge: string; mac: string; port: string }
  /** br_netfilter: the bridge shows an IP packet to iptables although it is not routed. */
  | { code: 'bridge-netfilter'; bridge: string; hook: string }
  | { code: 'neigh'; ip: string; dev: string; mac: string; state: string; entry: string }
  | { code: 'neigh-ask'; ip: string; dev: string }
  | { code: 'neigh-learn'; ip: string; dev: string; mac: string; entry: string }
  | { code: 'neigh-failed'; ip: string; dev: string; probes: number }
  | { code: 'arp-answer'; ip: string; dev: string; mac: string; proxy: boolean }
  | { code: 'arp-ignore'; ip: string; dev: string }
  | {
      code: 'vxlan-encap';
      dev: string;
      vni: number;
      mac: string;
      local: string;
      remote: string;
      sport: number;
      entry: string;
    }
  | { code: 'vxlan-no-fdb'; dev: string; mac: string }
  | { code: 'vxlan-decap'; dev: string; vni: number; remote: string }
  | { code: 'ipip-encap'; dev: string; local: string; remote: string }
  | { code: 'ipip-decap'; dev: string; remote: string }
  | {
      code: 'mtu-exceeded';
      dev: string;
      mtu: number;
      length: number;
      answer: 'frag-needed' | 'EMSGSIZE' | 'fragment' | 'drop';
    }
  | { code: 'pmtu'; dst: string; mtu: number }
  | { code: 'reassembled'; src: string; id: number; fragments: number }
  /** A rule matched. `verdict` is as the oracle writes it: `ACCEPT`, `DROP`, `RETURN`, `JUMP:CHAIN`, `DNAT`, …; `walked` counts the rules the kernel compared. */
  | {
      code: 'rule';
      table: string;
      chain: string;
      rule: string;
      verdict: string;
      walked: number;
      note?: string;
    }
  /** No rule of the built-in chain decided. `walked` counts the rules that were compared since the last one that matched. */
  | { code: 'chain-policy'; table: string; chain: string; verdict: string; walked?: number }
  /**
   * A rule of nftables matched. `table` has its family, `ip kube-proxy`; `rule` is as `nft list ruleset` prints it. Where a
   * named set or map was looked in, `set` says which (`map service-ips`) and `element` is what was found there.
   */
  | {
      code: 'nft-rule';
      table: string;
      chain: string;
      rule: string;
      verdict: string;
      walked: number;
      set?: string;
      element?: string;
    }
  /** No rule of nftables' base chain decided. */
  | { code: 'nft-policy'; table: string; chain: string; verdict: string; walked: number }
  | { code: 'conntrack'; state: 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED'; entry: string }
  /** NAT was decided for a connection: the binding that conntrack keeps. */
  | {
      code: 'nat-binding';
      kind: 'DNAT' | 'SNAT' | 'MASQUERADE' | 'REDIRECT';
      from: string;
      to: string;
      entry: string;
    }
  /** An address or port was rewritten by an existing binding. */
  | { code: 'nat'; field: 'src' | 'dst'; from: string; to: string; entry: string }
  | { code: 'icmp-error'; type: string; from: string; to: string; about: string }
  | { code: 'icmp-rate-limited'; to: string }
  | { code: 'tcp-retransmit'; local: string; remote: string; attempt: number; segment: string }
  | { code: 'tcp-state'; local: string; remote: string; from: string; to: string }
  | { code: 'link-down'; dev: string }
  /** What policies say about a packet that a rule dropped in their name; `side` is of the pod that the rule stands before. */
  | {
      code: 'policy';
      direction: 'ingress' | 'egress';
      from: string;
      to: string;
      protocol: string;
      port: number;
      side: SideVerdict;
    }
  /** The packet ends here. `reason` names the decision that ended it when none of the above already did. */
  | { code: 'drop'; reason: string }
  /** An application's own word: which backend an Ingress chose, what CoreDNS answered. */
  | { code: 'app'; process: string; event: string; detail: string };

export type DecisionCode = Decision['code'];
