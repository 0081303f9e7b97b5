import type { Walk } from '../../src/engine/capture/record.ts';
import type { Limits } from '../../src/engine/cluster.ts';
import type { Decision, DecisionCode } from '../../src/engine/net/decision.ts';
import type { Panel } from '../../src/lesson/lab.ts';

export type Language = 'ko' | 'en';

export type DecisionOf<C extends DecisionCode> = Decision & { readonly code: C };

/** One sentence per code. `at` is the namespace that decided; texts between backticks are shown as code. */
export type Sentences = { readonly [C in DecisionCode]: (decision: DecisionOf<C>, at: string) => string };

/** Where a lab stands; each has a look and a sentence. */
export type LabStatus =
  | 'ready'
  | 'waking'
  | 'running'
  | 'edited'
  | 'applied'
  | 'failed'
  | 'stale'
  | 'limit'
  | 'offline'
  | 'lost'
  | 'stopped';

export interface Ends {
  readonly src: string;
  readonly dst: string;
}

export type GlossaryTerm =
  | 'route'
  | 'fdb'
  | 'broadcast'
  | 'mac'
  | 'nextHop'
  | 'conntrack'
  | 'dnat'
  | 'masquerade'
  | 'snat'
  | 'encapsulation'
  | 'datagram'
  | 'rst'
  | 'icmp'
  | 'mtu'
  | 'socket';

export interface Strings {
  readonly language: Language;
  readonly decision: Sentences;
  readonly exchange: Readonly<Record<Walk['exchange'], string>>;
  readonly outcome: Readonly<Record<Walk['outcome'], string>>;
  readonly status: Readonly<Record<LabStatus, string>>;
  readonly panel: Readonly<Record<Panel, string>>;
  readonly limit: Readonly<Record<keyof Limits, string>>;
  /** Words that the sentences use and a reader may not know, each explained in a sentence or two. */
  readonly glossary: Readonly<Record<GlossaryTerm, { readonly word: string; readonly meaning: string }>>;
  /** How a place is called in a sentence: the switch and the outside host have no name of their own. */
  readonly place: (netns: string) => string;
  /** The frame crosses an interface. */
  readonly crossing: (at: string, dev: string, dir: 'in' | 'out') => string;
  /** A frame with another inside of it passes where nobody looks into it. */
  readonly tunnelled: (at: string, outer: Ends, inner: Ends) => string;
  readonly ui: {
    readonly lab: string;
    readonly stage: (cni: string, nodes: number, pods: number) => string;
    readonly play: string;
    readonly pause: string;
    readonly back: string;
    readonly forward: string;
    readonly skip: string;
    readonly speed: string;
    readonly timeline: string;
    readonly tick: (index: number, count: number) => string;
    readonly experiments: string;
    readonly noPackets: string;
    readonly noExperiment: string;
    readonly routine: (count: number) => string;
    readonly deciding: (at: string) => string;
    readonly before: string;
    readonly after: string;
    readonly unchanged: string;
    readonly firstSeen: string;
    readonly tablesOf: string;
    readonly afterExperiment: string;
    readonly decidedHere: string;
    readonly noTables: string;
    readonly prompt: string;
    readonly command: string;
    readonly runCommand: string;
    readonly stop: string;
    readonly transcript: string;
    readonly exit: (code: number) => string;
    readonly edit: string;
    readonly apply: string;
    readonly reset: string;
    readonly readonly: string;
    readonly editing: (name: string) => string;
    readonly diagnosticAt: (line: number, column: number) => string;
    readonly retry: string;
    readonly runAgain: string;
    readonly more: (count: number) => string;
    readonly morePods: (count: number) => string;
    readonly moreNodes: (count: number) => string;
    readonly ghost: string;
    readonly notEnforced: (names: string) => string;
    readonly truncated: (max: number) => string;
    readonly brokenLab: string;
    readonly download: (file: string) => string;
    readonly downloads: string;
    readonly captureNote: string;
    readonly scriptNote: string;
    readonly dropped: string;
    /** Refused with an answer: RST or an ICMP error. */
    readonly refused: string;
  };
}

/** What a rule did, in the rule's own word: a DNAT also accepts the packet, a REJECT also drops it. */
export function verdictOf({ code, rule, verdict }: DecisionOf<'rule'> | DecisionOf<'nft-rule'>): string {
  const word =
    code === 'rule'
      ? / -j (DNAT|SNAT|MASQUERADE|REDIRECT|REJECT)\b/
      : /(?:^| )(dnat|snat|masquerade|redirect|reject)(?: |$)/;
  const target = word.exec(rule.replace(/ comment ".*"$/, ''))?.[1]?.toUpperCase();
  return target !== undefined && /^(ACCEPT|DROP)$/.test(verdict) ? target : verdict;
}

/** What people call a TCP segment with these flags, which tcpdump writes as letters. */
export const segmentNames: Readonly<Record<string, string>> = {
  S: 'SYN',
  'S.': 'SYN ACK',
  '.': 'ACK',
  'P.': 'PSH',
  'F.': 'FIN',
  'FP.': 'FIN',
  R: 'RST',
  'R.': 'RST',
};

function inWords(decision: Decision): Decision {
  if (decision.code === 'rule' || decision.code === 'nft-rule')
    return { ...decision, verdict: verdictOf(decision) };
  if (decision.code === 'tcp-retransmit')
    return { ...decision, segment: segmentNames[decision.segment] ?? decision.segment };
  return decision;
}

/** The sentence of a decision; an engine newer than these strings gets its code shown. */
export function explain(strings: Strings, decision: Decision, at: string): string {
  const sentence: ((d: never, at: string) => string) | undefined = strings.decision[decision.code];
  if (sentence === undefined) return `${at}: \`${decision.code}\``;
  return sentence(inWords(decision) as never, at).replace(/^the /, 'The ');
}
