import type { PortRange } from '../../../src/engine/reach.ts';
import type { VerdictStrings } from '../verdict/words.ts';

/** Words about who can talk to whom, in one language. */
export interface ReachStrings {
  readonly language: 'ko' | 'en';
  readonly verdict: VerdictStrings;
  readonly title: string;
  readonly lead: string;
  readonly from: string;
  readonly to: string;
  readonly ports: string;
  readonly because: string;
  readonly all: string;
  readonly none: string;
  /** Everything except. */
  readonly allBut: (ports: string) => string;
  readonly selfCell: string;
  readonly legend: Readonly<Record<'all' | 'some' | 'none', string>>;
  readonly outside: string;
  /** Every address that no policy names. */
  readonly anyAddress: string;
  readonly more: (count: number) => string;
  readonly policies: (network: number, admin: number) => string;
  /** Heads the rules that nearly let something through. */
  readonly nearest: string;
  readonly choose: string;
  readonly back: string;
  readonly nothing: string;
  readonly diff: {
    readonly opened: string;
    readonly closed: string;
    readonly unchanged: string;
    readonly added: string;
    readonly removed: string;
  };
}

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;
const LAST = 65_535;

/** `TCP 80,443 UDP 53`; what is open nearly everywhere is said by what is not. */
export function portsText(ranges: readonly PortRange[], strings: ReachStrings): string {
  if (ranges.length === 0) return strings.none;
  const closed = complement(ranges);
  if (closed.length === 0) return strings.all;
  const open = list(ranges);
  const but = strings.allBut(list(closed));
  return but.length < open.length ? but : open;
}

function list(ranges: readonly PortRange[]): string {
  return PROTOCOLS.flatMap((protocol) => {
    const own = ranges.filter((range) => range.protocol === protocol);
    if (own.length === 0) return [];
    const texts = own.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`));
    return texts.join() === `1-${LAST}` ? protocol : `${protocol} ${texts.join(',')}`;
  }).join(' · ');
}

function complement(ranges: readonly PortRange[]): PortRange[] {
  return PROTOCOLS.flatMap((protocol) => {
    const closed: PortRange[] = [];
    let next = 1;
    for (const range of ranges) {
      if (range.protocol !== protocol) continue;
      if (range.first > next) closed.push({ protocol, first: next, last: range.first - 1 });
      next = range.last + 1;
    }
    if (next <= LAST) closed.push({ protocol, first: next, last: LAST });
    return closed;
  });
}
