const ASCII = 128;

/** What a class such as `[:alpha:]` says of characters beyond ASCII. */
const beyond: Readonly<Record<string, RegExp>> = {
  alnum: /[\p{L}\p{N}]/u,
  alpha: /\p{L}/u,
  blank: /\p{Zs}/u,
  graph: /[^\p{Z}\p{C}]/u,
  lower: /\p{Ll}/u,
  print: /[^\p{Zl}\p{Zp}\p{C}]/u,
  punct: /[\p{P}\p{S}]/u,
  space: /\p{Z}/u,
  upper: /\p{Lu}/u,
  word: /[\p{L}\p{N}]/u,
};

/** The classes of POSIX in ASCII, and `word`, which is `\w`. */
const ascii: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  alnum: [
    ['0', '9'],
    ['A', 'Z'],
    ['a', 'z'],
  ],
  alpha: [
    ['A', 'Z'],
    ['a', 'z'],
  ],
  blank: [
    [' ', ' '],
    ['\t', '\t'],
  ],
  cntrl: [
    ['\0', '\x1f'],
    ['\x7f', '\x7f'],
  ],
  digit: [['0', '9']],
  graph: [['!', '~']],
  lower: [['a', 'z']],
  print: [[' ', '~']],
  punct: [
    ['!', '/'],
    [':', '@'],
    ['[', '`'],
    ['{', '~'],
  ],
  space: [
    ['\t', '\r'],
    [' ', ' '],
  ],
  upper: [['A', 'Z']],
  word: [
    ['0', '9'],
    ['A', 'Z'],
    ['_', '_'],
    ['a', 'z'],
  ],
  xdigit: [
    ['0', '9'],
    ['A', 'F'],
    ['a', 'f'],
  ],
};

/** A set of characters, as a bracket expression or an escape such as `\w` writes it. */
export class CharSet {
  readonly #ascii = new Uint8Array(ASCII);
  readonly #ranges: (readonly [low: number, high: number])[] = [];
  readonly #classes: RegExp[] = [];
  #negated = false;

  static of(name: string, sense: 'in' | 'not' = 'in'): CharSet {
    const set = new CharSet();
    set.addClass(name);
    if (sense === 'not') set.negate();
    return set;
  }

  /** All but a newline, or all. */
  static any(newline: 'newline' | 'no newline'): CharSet {
    const set = new CharSet();
    if (newline === 'no newline') set.addRange(10, 10);
    set.negate();
    return set;
  }

  addRange(low: number, high: number): void {
    for (let code = low; code <= Math.min(high, ASCII - 1); code++) this.#ascii[code] = 1;
    if (high >= ASCII) this.#ranges.push([Math.max(low, ASCII), high]);
  }

  /** False when there is no such class. */
  addClass(name: string): boolean {
    const ranges = Object.hasOwn(ascii, name) ? ascii[name] : undefined;
    if (ranges === undefined) return false;
    for (const [low, high] of ranges) this.addRange(low.charCodeAt(0), high.charCodeAt(0));
    const test = beyond[name];
    if (test !== undefined) this.#classes.push(test);
    return true;
  }

  /** A letter brings its other case with it. */
  foldCase(): void {
    for (let code = 65; code <= 90; code++) {
      const either = (this.#ascii[code] ?? 0) | (this.#ascii[code + 32] ?? 0);
      this.#ascii[code] = this.#ascii[code + 32] = either;
    }
  }

  negate(): void {
    this.#negated = !this.#negated;
    for (let code = 0; code < ASCII; code++) this.#ascii[code] = 1 - (this.#ascii[code] ?? 0);
  }

  has(code: number): boolean {
    if (code < ASCII) return this.#ascii[code] === 1;
    const listed =
      this.#ranges.some(([low, high]) => low <= code && code <= high) ||
      (this.#classes.length > 0 && this.#classes.some((test) => test.test(String.fromCharCode(code))));
    return listed !== this.#negated;
  }
}
