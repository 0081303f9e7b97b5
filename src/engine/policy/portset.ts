import type { Protocol } from '../api/types.ts';

/**
 * A set of ports of all protocols, as a number: equal sets have equal numbers, so that comparing costs nothing and every
 * operation on two sets is worked out once.
 */
export type PortSet = number;

export const NO_PORTS: PortSet = 0;
export const ALL_PORTS: PortSet = 1;

const PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];
const LAST = 65_535;
/** All protocols on one line: port 80 of UDP is 65536 + 80. There is no port 0, so ranges of two protocols never touch. */
const SPAN = 65_536;

/** Ascending pairs of first and last. */
type Ranges = readonly number[];

export interface PortRange {
  readonly protocol: Protocol;
  readonly first: number;
  readonly last: number;
}

/** The port sets of one question. */
export class PortSets {
  readonly #ranges: Ranges[] = [];
  readonly #numbers = new Map<string, PortSet>();
  readonly #done: Readonly<Record<'union' | 'intersection' | 'difference', Map<number, PortSet>>> = {
    union: new Map(),
    intersection: new Map(),
    difference: new Map(),
  };

  constructor() {
    this.#number([]);
    this.#number(PROTOCOLS.flatMap((_, i) => [i * SPAN + 1, i * SPAN + LAST]));
  }

  of(ranges: readonly PortRange[]): PortSet {
    const pairs = ranges
      .filter(({ first, last }) => first <= last)
      .map(({ protocol, first, last }): readonly [number, number] => {
        const base = PROTOCOLS.indexOf(protocol) * SPAN;
        return [base + Math.max(1, first), base + Math.min(LAST, last)];
      })
      .sort((a, b) => a[0] - b[0]);
    const line: number[] = [];
    for (const [first, last] of pairs) append(line, first, last);
    return this.#number(line);
  }

  union(a: PortSet, b: PortSet): PortSet {
    if (a === b || b === NO_PORTS || a === ALL_PORTS) return a;
    if (a === NO_PORTS || b === ALL_PORTS) return b;
    return this.#once('union', Math.min(a, b), Math.max(a, b), (x, y) => x || y);
  }

  intersection(a: PortSet, b: PortSet): PortSet {
    if (a === b || a === NO_PORTS || b === ALL_PORTS) return a;
    if (b === NO_PORTS || a === ALL_PORTS) return b;
    return this.#once('intersection', Math.min(a, b), Math.max(a, b), (x, y) => x && y);
  }

  difference(a: PortSet, b: PortSet): PortSet {
    if (a === NO_PORTS || b === NO_PORTS) return a;
    if (a === b || b === ALL_PORTS) return NO_PORTS;
    return this.#once('difference', a, b, (x, y) => x && !y);
  }

  has(set: PortSet, protocol: Protocol, port: number): boolean {
    const at = PROTOCOLS.indexOf(protocol) * SPAN + port;
    const ranges = this.#ranges[set] ?? [];
    for (let i = 0; i < ranges.length; i += 2)
      if (at >= (ranges[i] ?? 0) && at <= (ranges[i + 1] ?? 0)) return true;
    return false;
  }

  ranges(set: PortSet): readonly PortRange[] {
    const line = this.#ranges[set] ?? [];
    const ranges: PortRange[] = [];
    for (let i = 0; i < line.length; i += 2) {
      const first = line[i] ?? 0;
      const base = Math.floor(first / SPAN);
      const protocol = PROTOCOLS[base] ?? 'TCP';
      ranges.push({ protocol, first: first - base * SPAN, last: (line[i + 1] ?? 0) - base * SPAN });
    }
    return ranges;
  }

  #once(
    what: 'union' | 'intersection' | 'difference',
    a: PortSet,
    b: PortSet,
    keep: (inA: boolean, inB: boolean) => boolean,
  ): PortSet {
    const key = a * 0x400_0000 + b;
    const known = this.#done[what].get(key);
    if (known !== undefined) return known;
    const made = this.#number(combine(this.#ranges[a] ?? [], this.#ranges[b] ?? [], keep));
    this.#done[what].set(key, made);
    return made;
  }

  #number(ranges: Ranges): PortSet {
    const key = ranges.join();
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#ranges.push(ranges) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }
}

/** Walks both lines at once, from one end of a range to the next. */
function combine(a: Ranges, b: Ranges, keep: (inA: boolean, inB: boolean) => boolean): Ranges {
  const line: number[] = [];
  let i = 0;
  let j = 0;
  let at = 0;
  while (i < a.length || j < b.length) {
    const edgeA = edge(a, i);
    const edgeB = edge(b, j);
    const next = Math.min(edgeA, edgeB);
    if (next > at && keep(i % 2 === 1, j % 2 === 1)) append(line, at, next - 1);
    at = next;
    if (edgeA === next) i++;
    if (edgeB === next) j++;
  }
  return line;
}

/** Where a line changes: a range begins at its first port and ends behind its last. */
function edge(ranges: Ranges, index: number): number {
  const port = ranges[index];
  return port === undefined ? Infinity : index % 2 === 0 ? port : port + 1;
}

function append(line: number[], first: number, last: number): void {
  const end = line[line.length - 1];
  if (end === undefined || first > end + 1) line.push(first, last);
  else line[line.length - 1] = Math.max(end, last);
}
