import { compareIp, formatPrefix, ipv6Words, lastIp, maskIp, type Ip } from '../address.ts';
import { compareScalars, isAddress, type Datatype, type Scalar } from './datatype.ts';
import { formatVerdict, type Verdict } from './rule.ts';
import { formatTime } from './time.ts';

/** One field of an element's key: a value, or all from the first to the last. */
export type KeyPart = Scalar | readonly [first: Scalar, last: Scalar];

export interface PacketCount {
  packets: number;
  bytes: number;
}

export interface SetElement {
  readonly key: readonly KeyPart[];
  /** Of a map. */
  readonly data?: Verdict | readonly Scalar[];
  readonly comment?: string;
  /** Milliseconds, where they differ from the set's. */
  readonly timeout?: number;
  /** Virtual microseconds. */
  readonly expires?: number;
  readonly counter?: PacketCount;
  /** `update @set { ip saddr limit rate … }`: the element's own limit and its text. */
  readonly limit?: { readonly text: string; readonly test: (now: number) => boolean };
}

export type SetFlag = 'constant' | 'interval' | 'timeout' | 'dynamic';

/** How a set or map was declared. */
export interface SetSpec {
  readonly name: string;
  readonly kind: 'set' | 'map';
  readonly key: readonly Datatype[];
  /** Expressions that `typeof` named. */
  readonly keyText?: string;
  readonly data?: 'verdict' | readonly Datatype[];
  readonly dataText?: string;
  readonly flags: ReadonlySet<SetFlag>;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly gcInterval?: number;
  readonly size?: number;
  readonly policy?: 'performance' | 'memory';
  readonly autoMerge?: true;
  readonly counter?: true;
  readonly comment?: string;
}

/** What a key is found by. */
export type ElementKey = Scalar;

export function elementKey(values: readonly Scalar[]): ElementKey {
  return values.length === 1 ? (values[0] ?? 0) : values.join(' . ');
}

export type SetElements = ReadonlyMap<ElementKey, SetElement>;

const NONE: SetElements = new Map();

/** A named or anonymous set or map. Elements that come from a program's shared ones are overlaid by those changed by hand. */
export class NftSet {
  readonly spec: SetSpec;
  #shared: SetElements;
  /** undefined: the shared element was deleted. */
  readonly #own = new Map<ElementKey, SetElement | undefined>();
  #sorted: readonly SetElement[] | undefined;
  /** Anonymous sets and rules hold on to their sets. */
  handle = 0;

  constructor(spec: SetSpec, shared: SetElements = NONE) {
    this.spec = spec;
    this.#shared = shared;
  }

  /** The program changed its elements: what it changed takes the place of what was changed by hand. */
  follow(shared: SetElements): void {
    for (const key of this.#own.keys())
      if (!this.spec.flags.has('dynamic') && !sameElement(shared.get(key), this.#shared.get(key)))
        this.#own.delete(key);
    this.#shared = shared;
    this.#sorted = undefined;
  }

  get interval(): boolean {
    return this.spec.flags.has('interval');
  }

  /** The element that holds for a packet's values. */
  lookup(values: readonly Scalar[], now: number): SetElement | undefined {
    if (this.interval) return this.#search(values, now);
    const key = elementKey(values);
    const element = this.#own.has(key) ? this.#own.get(key) : this.#shared.get(key);
    return element === undefined || isOver(element, now) ? undefined : element;
  }

  add(element: SetElement): void {
    this.#own.set(this.#keyOf(element), element);
    this.#sorted = undefined;
  }

  /** False when there is none. */
  delete(element: Pick<SetElement, 'key'>): boolean {
    const key = this.#keyOf(element);
    const had = this.#own.has(key) ? this.#own.get(key) !== undefined : this.#shared.has(key);
    if (this.#shared.has(key)) this.#own.set(key, undefined);
    else this.#own.delete(key);
    this.#sorted = undefined;
    return had;
  }

  /** An element with the very same key. */
  get(element: Pick<SetElement, 'key'>, now: number): SetElement | undefined {
    const key = this.#keyOf(element);
    const found = this.#own.has(key) ? this.#own.get(key) : this.#shared.get(key);
    return found === undefined || isOver(found, now) ? undefined : found;
  }

  /** An element of an interval set whose interval has something in common with this one's. */
  overlapping(element: Pick<SetElement, 'key'>, now: number): SetElement | undefined {
    return this.list(now).find((other) =>
      other.key.every((part, i) => {
        const type = this.spec.key[i];
        const mine = element.key[i];
        if (type === undefined || mine === undefined) return false;
        return (
          compareScalars(type, firstOf(part), lastOf(mine)) <= 0 &&
          compareScalars(type, firstOf(mine), lastOf(part)) <= 0
        );
      }),
    );
  }

  clear(): void {
    this.#own.clear();
    for (const key of this.#shared.keys()) this.#own.set(key, undefined);
    this.#sorted = undefined;
  }

  get size(): number {
    return this.#own.size + this.#shared.size;
  }

  /** A copy of what was changed by hand, to be given back to `restore`. */
  save(): () => void {
    const saved = new Map(this.#own);
    return () => {
      this.#own.clear();
      for (const [key, element] of saved) this.#own.set(key, element);
      this.#sorted = undefined;
    };
  }

  /** All elements that are not over, in the order in which nft lists them. */
  list(now: number): readonly SetElement[] {
    if (this.#sorted === undefined) {
      const elements: SetElement[] = [];
      for (const [key, element] of this.#shared) if (!this.#own.has(key)) elements.push(element);
      for (const element of this.#own.values()) if (element !== undefined) elements.push(element);
      this.#sorted = sortElements(this.spec, elements);
    }
    if (this.#sorted.some((element) => isOver(element, now)))
      this.#sorted = this.#sorted.filter((element) => !isOver(element, now));
    return this.#sorted;
  }

  #keyOf(element: Pick<SetElement, 'key'>): ElementKey {
    return this.interval
      ? element.key.map((part) => `${firstOf(part)}-${lastOf(part)}`).join(' . ')
      : elementKey(element.key.map(firstOf));
  }

  #search(values: readonly Scalar[], now: number): SetElement | undefined {
    const { key: types } = this.spec;
    const elements = this.list(now);
    const [type] = types;
    if (types.length > 1 || type === undefined)
      return elements.find((element) =>
        element.key.every((part, i) => covers(types[i] ?? type, part, values[i] ?? 0)),
      );
    const value = values[0] ?? 0;
    let low = 0;
    let high = elements.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareScalars(type, firstOf(elements[middle]?.key[0] ?? 0), value) <= 0) low = middle + 1;
      else high = middle;
    }
    const element = elements[low - 1];
    const part = element?.key[0];
    return part !== undefined && compareScalars(type, value, lastOf(part)) <= 0 ? element : undefined;
  }
}

function sameElement(a: SetElement | undefined, b: SetElement | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function isOver(element: SetElement, now: number): boolean {
  return element.expires !== undefined && element.expires <= now;
}

export function firstOf(part: KeyPart): Scalar {
  return typeof part === 'object' ? part[0] : part;
}

export function lastOf(part: KeyPart): Scalar {
  return typeof part === 'object' ? part[1] : part;
}

/** Whether the value lies in the part. */
export function covers(type: Datatype | undefined, part: KeyPart, value: Scalar): boolean {
  if (typeof part !== 'object') return part === value;
  if (type === undefined) return false;
  return compareScalars(type, part[0], value) <= 0 && compareScalars(type, value, part[1]) <= 0;
}

/** nft sorts by the value; of a concatenation it compares the whole as one number whose lowest byte comes first in memory. */
function sortElements(spec: SetSpec, elements: SetElement[]): SetElement[] {
  const [type] = spec.key;
  if (spec.key.length === 1 && type !== undefined)
    return elements.sort((a, b) => compareScalars(type, firstOf(a.key[0] ?? 0), firstOf(b.key[0] ?? 0)));
  // The tree that holds intervals of concatenations is listed as it was filled.
  if (spec.flags.has('interval')) return elements;
  const bytes = new Map(elements.map((element) => [element, memoryOf(spec.key, element)]));
  return elements.sort((a, b) => {
    const x = bytes.get(a) ?? [];
    const y = bytes.get(b) ?? [];
    for (let i = x.length - 1; i >= 0; i--) {
      const difference = (x[i] ?? 0) - (y[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  });
}

function memoryOf(types: readonly Datatype[], element: SetElement): readonly number[] {
  return types.flatMap((type, i) => {
    const bytes = bytesOf(type, firstOf(element.key[i] ?? 0));
    return [...bytes, ...Array<number>((4 - (bytes.length % 4)) % 4).fill(0)];
  });
}

function bytesOf(type: Datatype, value: Scalar): readonly number[] {
  if (typeof value === 'string')
    return Array.from({ length: type.bytes }, (_, i) => value.codePointAt(i) ?? 0);
  if (type.bytes === 16)
    return ipv6Words(value).flatMap((word) => [
      word >>> 24,
      (word >>> 16) & 255,
      (word >>> 8) & 255,
      word & 255,
    ]);
  const low = Array.from({ length: type.bytes }, (_, i) => Math.floor(value / 256 ** i) % 256);
  return type.order === 'network' ? low.reverse() : low;
}

/** A value or interval as nft prints it: an interval that is a network, as one. */
export function formatPart(type: Datatype, part: KeyPart): string {
  if (typeof part !== 'object') return type.format(part);
  const [first, last] = part;
  if (first === last) return type.format(first);
  if (isAddress(type)) {
    const length = prefixLength(type, Number(first), Number(last));
    if (length !== undefined) return formatPrefix({ ip: Number(first), length });
  }
  return `${type.format(first)}-${type.format(last)}`;
}

function prefixLength(type: Datatype, first: Ip, last: Ip): number | undefined {
  for (let length = 0; length < type.bytes * 8; length++) {
    if (maskIp(first, length) === first && compareIp(lastIp({ ip: first, length }), last) === 0)
      return length;
  }
  return undefined;
}

export function formatKey(types: readonly Datatype[], key: readonly KeyPart[]): string {
  return key
    .map((part, i) => {
      const type = types[i];
      return type === undefined ? '' : formatPart(type, part);
    })
    .join(' . ');
}

/** An element as nft prints it. */
export function formatElement(
  spec: SetSpec,
  element: SetElement,
  now: number,
  options: { readonly stateless: boolean },
): string {
  let text = formatKey(spec.key, element.key);
  const { counter, limit, timeout, expires, comment, data } = element;
  if (limit !== undefined) text += ` ${limit.text}`;
  if (counter !== undefined)
    text += options.stateless ? ' counter' : ` counter packets ${counter.packets} bytes ${counter.bytes}`;
  if (timeout !== undefined && timeout !== spec.timeout) text += ` timeout ${formatTime(timeout)}`;
  if (expires !== undefined && !options.stateless)
    text += ` expires ${formatTime(Math.floor((expires - now) / 4000) * 4)}`;
  if (comment !== undefined) text += ` comment "${comment}"`;
  if (data !== undefined) text += ` : ${formatData(spec, data)}`;
  return text;
}

function formatData(spec: SetSpec, data: Verdict | readonly Scalar[]): string {
  if ('kind' in data) return formatVerdict(data);
  return formatKey(spec.data === undefined || spec.data === 'verdict' ? [] : spec.data, data);
}
