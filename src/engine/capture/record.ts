import type { Decision } from '../net/decision.ts';

/**
 * What an experiment leaves, as plain JSON: the frames that a capture on every interface would show and the
 * decisions between them. Everything the page draws and every test against Linux reads this.
 * Times are virtual microseconds since the cluster began.
 */
export interface ExperimentRecord {
  readonly version: 1;
  readonly start: number;
  readonly end: number;
  /** Distinct frame contents, outermost header first; frames point into it, so a frame that crosses a veth costs one number. */
  readonly headers: readonly (readonly Layer[])[];
  /** Frames and decisions in one order. */
  readonly events: readonly RecordEvent[];
  /** What each walk was: one packet on its way from a socket (or an ARP asker) to wherever it ended. */
  readonly walks: readonly Walk[];
  /** Tables of the namespaces that decided something, as their tools print them after the experiment. */
  readonly tables: readonly TableSnapshot[];
  /** Distinct application payloads in base64; layers point into it with `data`. Without it a capture has zeros there. */
  readonly payloads?: readonly string[];
  /** Present when a limit stopped the recording. */
  readonly truncated?: { readonly limit: string; readonly max: number };
}

export type RecordEvent = FrameEvent | DecisionEvent;

export interface FrameEvent {
  readonly kind: 'frame';
  readonly at: number;
  readonly walk: number;
  readonly netns: string;
  readonly dev: string;
  readonly dir: 'in' | 'out';
  /** Index into `headers`. */
  readonly header: number;
}

export interface DecisionEvent {
  readonly kind: 'decision';
  readonly at: number;
  readonly walk: number;
  readonly netns: string;
  readonly decision: Decision;
}

/**
 * One packet's whole way. It keeps its walk through TTL, NAT, encapsulation, fragments and flooded copies; a reply, a
 * retransmission or an ICMP error is another walk, with `cause` naming the walk that it answers or repeats.
 */
export interface Walk {
  readonly id: number;
  readonly cause?: number;
  /** What sort of exchange it belongs to, for the timeline's groups. */
  readonly exchange:
    | 'arp'
    | 'nd'
    | 'dns'
    | 'handshake'
    | 'request'
    | 'answer'
    | 'close'
    | 'icmp'
    | 'icmp-error'
    | 'udp'
    | 'other';
  readonly direction: 'request' | 'reply';
  /** `10.244.1.2:40001 > 10.244.2.2:8080 [S]`, `ARP who-has 10.244.1.1 tell 10.244.1.2`: tcpdump's words for it at its start. */
  readonly summary: string;
  readonly outcome: 'delivered' | 'dropped' | 'consumed' | 'in-flight';
}

export type Layer =
  | { readonly kind: 'eth'; readonly src: string; readonly dst: string; readonly type: string }
  | {
      readonly kind: 'arp';
      readonly op: 'request' | 'reply';
      readonly senderMac: string;
      readonly senderIp: string;
      readonly targetMac: string;
      readonly targetIp: string;
    }
  | {
      readonly kind: 'ipv4';
      readonly src: string;
      readonly dst: string;
      readonly ttl: number;
      readonly id: number;
      readonly df: boolean;
      readonly mf: boolean;
      /** Fragment offset in bytes. */
      readonly offset: number;
      readonly protocol: string;
      /** Total length in bytes, header included. */
      readonly length: number;
      readonly tos: number;
    }
  | {
      readonly kind: 'ipv6';
      readonly src: string;
      readonly dst: string;
      readonly hopLimit: number;
      /** What the payload is, behind a fragment header too. */
      readonly nextHeader: string;
      /** The fragment header, where there is one; `offset` in bytes. */
      readonly fragment?: { readonly id: number; readonly offset: number; readonly mf: boolean };
      readonly length: number;
    }
  | {
      readonly kind: 'tcp';
      readonly sport: number;
      readonly dport: number;
      /** tcpdump's letters: `S`, `S.`, `.`, `P.`, `F.`, `R`, `R.`. */
      readonly flags: string;
      readonly seq: number;
      readonly ack: number;
      readonly window: number;
      readonly options: string;
      readonly length: number;
    }
  | { readonly kind: 'udp'; readonly sport: number; readonly dport: number; readonly length: number }
  | { readonly kind: 'vxlan'; readonly vni: number }
  | {
      readonly kind: 'icmp' | 'icmp6';
      readonly type: number;
      readonly code: number;
      /** `echo request`, `net unreachable`, `time exceeded`, … */
      readonly name: string;
      readonly id?: number;
      readonly seq?: number;
      readonly mtu?: number;
      /** Of a redirect. */
      readonly gateway?: string;
      /** The headers an error quotes. */
      readonly about?: readonly Layer[];
      /** How many bytes of it are quoted. */
      readonly quotedLength?: number;
      /** What a neighbour solicitation or advertisement is about. */
      readonly neighbour?: {
        readonly target: string;
        readonly mac?: string;
        readonly router: boolean;
        readonly solicited: boolean;
        readonly override: boolean;
      };
    }
  | {
      readonly kind: 'dns';
      readonly text: string;
      readonly length: number;
      /** Index into `payloads`. */
      readonly data?: number;
    }
  | {
      readonly kind: 'payload';
      readonly length: number;
      /** The first line, when it is text. */
      readonly text?: string;
      /** Index into `payloads`. */
      readonly data?: number;
    };

export interface TableSnapshot {
  readonly netns: string;
  /** The command that prints it: `ip route`, `ip neigh`, `bridge fdb`, `iptables -t nat -S`, `conntrack -L`. */
  readonly command: string;
  /** Of a table that is longer than 200 lines only those that decided. */
  readonly lines: readonly string[];
}
