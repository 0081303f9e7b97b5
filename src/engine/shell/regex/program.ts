import { CharSet } from './charset.ts';
import { RegexSyntaxError, type Assertion, type ParsedRegex, type RegexNode } from './syntax.ts';

/** Ken Thompson's instructions, as in Russ Cox's account of them (swtch.com/~rsc/regexp/regexp2.html). */
type Instruction =
  | { readonly op: 'char'; readonly code: number }
  | { readonly op: 'set'; readonly set: CharSet }
  | { readonly op: 'match' }
  | { readonly op: 'jump'; to: number }
  /** `first` is preferred. */
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'assert'; readonly what: Assertion }
  | {
      readonly op: 'look';
      readonly wanted: 'match' | 'none';
      readonly program: Program;
      /** How far back to look from; 0 alone is ahead. */
      readonly behind: readonly number[] | undefined;
    };

/** What the machine reads: a number for each instruction, and up to two numbers of its own. */
export const OP = { char: 0, set: 1, match: 2, jump: 3, split: 4, save: 5, assert: 6, look: 7 } as const;

export interface Look {
  readonly wanted: 'match' | 'none';
  readonly program: Program;
  readonly behind: readonly number[] | undefined;
}

export interface Program {
  readonly ops: Uint8Array;
  /** The character, the target, the slot, or an index into one of the lists below. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly sets: readonly CharSet[];
  readonly asserts: readonly Assertion[];
  readonly looks: readonly Look[];
  readonly groups: number;
  /** Which characters a match can begin with; undefined when it may be empty. */
  readonly begins: CharSet | undefined;
}

const MAX_INSTRUCTIONS = 20_000;
const MAX_WIDTHS = 64;

export function compile({ node, groups }: ParsedRegex, letters: 'exact' | 'any case'): Program {
  const compiler = new Compiler(letters);
  compiler.node(node);
  compiler.emit({ op: 'match' });
  return { ...packed(compiler.code), groups, begins: firstOf(compiler.code) };
}

function packed(code: readonly Instruction[]): Omit<Program, 'groups' | 'begins'> {
  const ops = new Uint8Array(code.length);
  const first = new Int32Array(code.length);
  const second = new Int32Array(code.length);
  const sets: CharSet[] = [];
  const asserts: Assertion[] = [];
  const looks: Look[] = [];
  for (const [pc, instruction] of code.entries()) {
    ops[pc] = OP[instruction.op];
    switch (instruction.op) {
      case 'char':
        first[pc] = instruction.code;
        break;
      case 'set':
        first[pc] = sets.push(instruction.set) - 1;
        break;
      case 'match':
        break;
      case 'jump':
        first[pc] = instruction.to;
        break;
      case 'split':
        first[pc] = instruction.first;
        second[pc] = instruction.second;
        break;
      case 'save':
        first[pc] = instruction.slot;
        break;
      case 'assert':
        first[pc] = asserts.push(instruction.what) - 1;
        break;
      case 'look':
        first[pc] = looks.push(instruction) - 1;
        break;
    }
  }
  return { ops, first, second, sets, asserts, looks };
}

class Compiler {
  readonly code: Instruction[] = [];
  readonly #letters: 'exact' | 'any case';

  constructor(letters: 'exact' | 'any case') {
    this.#letters = letters;
  }

  emit<I extends Instruction>(instruction: I): I {
    if (this.code.length >= MAX_INSTRUCTIONS) throw new RegexSyntaxError('Regular expression too big');
    this.code.push(instruction);
    return instruction;
  }

  node(node: RegexNode): void {
    switch (node.kind) {
      case 'char':
        this.#char(node.code);
        break;
      case 'set':
        if (this.#letters === 'any case') node.set.foldCase();
        this.emit({ op: 'set', set: node.set });
        break;
      case 'cat':
        for (const part of node.parts) this.node(part);
        break;
      case 'alt':
        this.#alternatives(node.choices);
        break;
      case 'group':
        this.emit({ op: 'save', slot: 2 * node.index });
        this.node(node.body);
        this.emit({ op: 'save', slot: 2 * node.index + 1 });
        break;
      case 'repeat':
        this.#repeat(node);
        break;
      case 'assert':
        this.emit({ op: 'assert', what: node.what });
        break;
      case 'keep':
        this.emit({ op: 'save', slot: 0 });
        break;
      case 'look': {
        const program = compile({ node: node.body, groups: 0 }, this.#letters);
        const behind = node.way === 'behind' ? [...widthsOf(node.body)] : undefined;
        this.emit({ op: 'look', wanted: node.wanted, program, behind });
        break;
      }
    }
  }

  #char(code: number): void {
    const char = String.fromCharCode(code);
    const [lower, upper] = [char.toLowerCase(), char.toUpperCase()];
    if (this.#letters === 'exact' || lower === upper) {
      this.emit({ op: 'char', code });
      return;
    }
    const set = new CharSet();
    for (const form of [char, lower, upper])
      if (form.length === 1) set.addRange(form.charCodeAt(0), form.charCodeAt(0));
    this.emit({ op: 'set', set });
  }

  #alternatives(choices: readonly RegexNode[]): void {
    const ends: { to: number }[] = [];
    for (const [i, choice] of choices.entries()) {
      if (i === choices.length - 1) {
        this.node(choice);
        break;
      }
      const split = this.emit({ op: 'split', first: this.code.length + 1, second: 0 });
      this.node(choice);
      ends.push(this.emit({ op: 'jump', to: 0 }));
      split.second = this.code.length;
    }
    for (const end of ends) end.to = this.code.length;
  }

  #repeat({ body, min, max, greed }: RegexNode & { readonly kind: 'repeat' }): void {
    for (let i = 0; i < min; i++) this.node(body);
    if (max === Infinity) {
      const start = this.code.length;
      const split = this.emit({ op: 'split', first: 0, second: 0 });
      this.node(body);
      this.emit({ op: 'jump', to: start });
      aim(split, start + 1, this.code.length, greed);
      return;
    }
    const splits: { readonly split: { first: number; second: number }; readonly inside: number }[] = [];
    for (let i = min; i < max; i++) {
      const split = this.emit({ op: 'split', first: 0, second: 0 });
      splits.push({ split, inside: this.code.length });
      this.node(body);
    }
    for (const { split, inside } of splits) aim(split, inside, this.code.length, greed);
  }
}

function aim(
  split: { first: number; second: number },
  inside: number,
  past: number,
  greed: 'greedy' | 'lazy',
): void {
  split.first = greed === 'greedy' ? inside : past;
  split.second = greed === 'greedy' ? past : inside;
}

/** Every length that the node can have; a lookbehind needs them to be few. */
function widthsOf(node: RegexNode): ReadonlySet<number> {
  switch (node.kind) {
    case 'char':
    case 'set':
      return new Set([1]);
    case 'assert':
    case 'look':
    case 'keep':
      return new Set([0]);
    case 'group':
      return widthsOf(node.body);
    case 'alt':
      return few(new Set(node.choices.flatMap((choice) => [...widthsOf(choice)])));
    case 'cat':
      return node.parts.map(widthsOf).reduce(sumsOf, new Set([0]));
    case 'repeat': {
      if (node.max > 1000) throw new RegexSyntaxError('lookbehind assertion is not fixed length');
      const one = widthsOf(node.body);
      let sums: ReadonlySet<number> = new Set([0]);
      const all = new Set<number>();
      for (let i = 0; i <= node.max; i++) {
        if (i >= node.min) for (const sum of sums) all.add(sum);
        sums = sumsOf(sums, one);
      }
      return few(all);
    }
  }
}

function sumsOf(a: ReadonlySet<number>, b: ReadonlySet<number>): ReadonlySet<number> {
  return few(new Set([...a].flatMap((x) => [...b].map((y) => x + y))));
}

function few(widths: ReadonlySet<number>): ReadonlySet<number> {
  if (widths.size > MAX_WIDTHS) throw new RegexSyntaxError('lookbehind assertion is not fixed length');
  return widths;
}

function firstOf(code: readonly Instruction[]): CharSet | undefined {
  const set = new CharSet();
  const seen = new Set<number>();
  const left = [0];
  for (let pc = left.pop(); pc !== undefined; pc = left.pop()) {
    const instruction = code[pc];
    if (instruction === undefined || seen.has(pc)) continue;
    seen.add(pc);
    switch (instruction.op) {
      case 'match':
        return undefined;
      case 'char':
        set.addRange(instruction.code, instruction.code);
        break;
      case 'set':
        for (let char = 0; char < 128; char++) if (instruction.set.has(char)) set.addRange(char, char);
        // Which of the others it has is found out there.
        set.addRange(128, 65_535);
        break;
      case 'jump':
        left.push(instruction.to);
        break;
      case 'split':
        left.push(instruction.first, instruction.second);
        break;
      case 'save':
      case 'assert':
      case 'look':
        left.push(pc + 1);
        break;
    }
  }
  return set;
}
