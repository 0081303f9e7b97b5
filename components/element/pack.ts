/**
 * A record says the same few strings and shapes of objects hundreds of times. Packed, an object is `[shape, ...values]`
 * with the names of its fields in `k`, an array `[-1, ...items]`, and a string that was there before is `"~index"`: its
 * place, in base 36, among the strings of three letters and more in the order in which they first come.
 */
export interface Packed {
  readonly k: readonly (readonly string[])[];
  readonly v: unknown;
}

export function pack(value: unknown): Packed {
  const strings = new Map<string, string>();
  const shapes = new Map<string, number>();
  const keys: string[][] = [];
  const write = (one: unknown): unknown => {
    if (typeof one === 'string') {
      if (one.length > 2) {
        const known = strings.get(one);
        if (known !== undefined) return known;
        strings.set(one, `~${strings.size.toString(36)}`);
      }
      return one.startsWith('~') ? `~~${one}` : one;
    }
    if (one === null || typeof one !== 'object') return one;
    if (Array.isArray(one)) {
      const packed: unknown[] = [-1];
      for (const item of one) packed.push(write(item));
      return packed;
    }
    const fields = one as Readonly<Record<string, unknown>>;
    const names = Object.keys(fields).filter((key) => fields[key] !== undefined);
    const name = JSON.stringify(names);
    let shape = shapes.get(name);
    if (shape === undefined) {
      shape = keys.length;
      shapes.set(name, shape);
      keys.push(names);
    }
    const packed: unknown[] = [shape];
    for (const key of names) packed.push(write(fields[key]));
    return packed;
  };
  const v = write(value);
  return { k: keys, v };
}

export function unpack({ k, v }: Packed): unknown {
  const strings: string[] = [];
  const read = (one: unknown): unknown => {
    if (typeof one === 'string') {
      if (one.startsWith('~') && !one.startsWith('~~'))
        return strings[Number.parseInt(one.slice(1), 36)] ?? '';
      const text = one.startsWith('~~') ? one.slice(2) : one;
      if (text.length > 2) strings.push(text);
      return text;
    }
    if (!Array.isArray(one)) return one;
    const [shape, ...fields] = one as unknown[];
    if (shape === -1) return fields.map(read);
    return Object.fromEntries((k[Number(shape)] ?? []).map((key, i) => [key, read(fields[i])]));
  };
  return read(v);
}
