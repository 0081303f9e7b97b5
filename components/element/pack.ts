/**
 * A record says the same few things hundreds of times, and so do the labs of one page. Packed, every distinct string and
 * every distinct object is written once. Objects of one shape (the same fields with values of the same kinds) are a table
 * by columns, so that what is alike stands side by side; a value is its row.
 *
 * The kind of a value: `s` a string by its number, `j` JSON as it is (numbers, `true`, `null`), `o5` an object of shape 5
 * by its row, `[` and a kind an array whose items are all of it, `m` an array of mixed items: their kinds, then the items.
 */
export interface Packed {
  readonly strings: readonly string[];
  readonly shapes: readonly Shape[];
  readonly kind: string;
  readonly value: unknown;
}

/** `name:kind` of each field, and the fields' columns. */
type Shape = readonly [fields: readonly string[], ...columns: (readonly unknown[])[]];

interface Part {
  readonly kind: string;
  readonly value: unknown;
}

interface OpenShape {
  readonly index: number;
  readonly fields: readonly string[];
  readonly columns: unknown[][];
  /** Rows by their content. */
  readonly rows: Map<string, number>;
}

class Packer {
  readonly strings = new Map<string, number>();
  readonly #shapes = new Map<string, OpenShape>();

  get shapes(): Shape[] {
    return [...this.#shapes.values()].map(({ fields, columns }) => [fields, ...columns]);
  }

  pack(one: unknown): Part {
    if (typeof one === 'string') return { kind: 's', value: this.#string(one) };
    if (one === null || typeof one !== 'object') return { kind: 'j', value: one };
    return Array.isArray(one) ? this.#array(one) : this.#object(one as Readonly<Record<string, unknown>>);
  }

  #string(text: string): number {
    const known = this.strings.get(text);
    if (known !== undefined) return known;
    this.strings.set(text, this.strings.size);
    return this.strings.size - 1;
  }

  #array(items: readonly unknown[]): Part {
    const parts = items.map((item) => this.pack(item));
    const kinds = new Set(parts.map(({ kind }) => kind));
    const values = parts.map(({ value }) => value);
    const [only = 'j'] = kinds;
    if (kinds.size <= 1) return { kind: `[${only}`, value: values };
    return { kind: 'm', value: [parts.map(({ kind }) => this.#string(kind)), values] };
  }

  #object(fields: Readonly<Record<string, unknown>>): Part {
    const parts = Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : [{ name, ...this.pack(value) }],
    );
    const names = parts.map(({ name, kind }) => `${name}:${kind}`);
    const key = JSON.stringify(names);
    const shape: OpenShape = this.#shapes.get(key) ?? {
      index: this.#shapes.size,
      fields: names,
      columns: names.map(() => []),
      rows: new Map(),
    };
    this.#shapes.set(key, shape);
    const values = parts.map(({ value }) => value);
    const content = JSON.stringify(values);
    let row = shape.rows.get(content);
    if (row === undefined) {
      row = shape.rows.size;
      shape.rows.set(content, row);
      values.forEach((value, i) => shape.columns[i]?.push(value));
    }
    return { kind: `o${shape.index}`, value: row };
  }
}

export function pack(value: unknown): Packed {
  const packer = new Packer();
  const root = packer.pack(value);
  return { strings: [...packer.strings.keys()], shapes: packer.shapes, ...root };
}

/** What is equal in the value is one object here: nobody may change it. */
export function unpack({ strings, shapes, kind, value }: Packed): unknown {
  const rows = shapes.map((): Map<number, unknown> => new Map());
  const read = (how: string, what: unknown): unknown => {
    if (how === 's') return strings[Number(what)];
    if (how.startsWith('o')) return object(Number(how.slice(1)), Number(what));
    if (how.startsWith('[')) return (what as readonly unknown[]).map((item) => read(how.slice(1), item));
    if (how !== 'm') return what;
    const [kinds = [], items = []] = what as readonly (readonly unknown[])[];
    return items.map((item, i) => read(strings[Number(kinds[i])] ?? '', item));
  };
  const object = (at: number, row: number): unknown => {
    const known = rows[at]?.get(row);
    if (known !== undefined) return known;
    const [fields = [], ...columns] = shapes[at] ?? [];
    const made = Object.fromEntries(
      fields.map((field, i) => {
        const colon = field.lastIndexOf(':');
        return [field.slice(0, colon), read(field.slice(colon + 1), columns[i]?.[row])];
      }),
    );
    rows[at]?.set(row, made);
    return made;
  };
  return read(kind, value);
}
