/**
 * A record says the same few strings and shapes of objects hundreds of times. Packed, each shape and each string is
 * written once: `{ k: [[keys…]…], s: [strings…], v }`, where an object is `[shape, ...values]`, an array `[-1, ...items]`
 * and a string that occurs more than once `"~index"` in base 36.
 */
export interface Packed {
  readonly k: readonly (readonly string[])[];
  readonly s: readonly string[];
  readonly v: unknown;
}

export function pack(value: unknown): Packed {
  const counts = new Map<string, number>();
  count(value, counts);
  const strings = [...counts].filter(([text, times]) => times > 1 && text.length > 2).map(([text]) => text);
  const index = new Map(strings.map((text, i) => [text, `~${i.toString(36)}`]));
  const shapes = new Map<string, number>();
  const keys: string[][] = [];
  const write = (one: unknown): unknown => {
    if (typeof one === 'string') return index.get(one) ?? (one.startsWith('~') ? `~~${one}` : one);
    if (Array.isArray(one)) return [-1, ...one.map(write)];
    if (one === null || typeof one !== 'object') return one;
    const entries = Object.entries(one).filter(([, field]) => field !== undefined);
    const shape = entries.map(([key]) => key);
    const name = shape.join('\0');
    let at = shapes.get(name);
    if (at === undefined) {
      at = keys.length;
      shapes.set(name, at);
      keys.push(shape);
    }
    return [at, ...entries.map(([, field]) => write(field))];
  };
  const v = write(value);
  return { k: keys, s: strings, v };
}

function count(value: unknown, counts: Map<string, number>): void {
  if (typeof value === 'string') counts.set(value, (counts.get(value) ?? 0) + 1);
  else if (Array.isArray(value)) for (const one of value) count(one, counts);
  else if (value !== null && typeof value === 'object')
    for (const one of Object.values(value)) count(one, counts);
}

export function unpack({ k, s, v }: Packed): unknown {
  const read = (one: unknown): unknown => {
    if (typeof one === 'string') {
      if (!one.startsWith('~')) return one;
      return one.startsWith('~~') ? one.slice(2) : (s[Number.parseInt(one.slice(1), 36)] ?? '');
    }
    if (!Array.isArray(one)) return one;
    const [shape, ...fields] = one as unknown[];
    if (shape === -1) return fields.map(read);
    const keys = k[Number(shape)] ?? [];
    return Object.fromEntries(keys.map((key, i) => [key, read(fields[i])]));
  };
  return read(v);
}
