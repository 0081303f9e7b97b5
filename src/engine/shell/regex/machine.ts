import type { CharSet } from './charset.ts';
import { OP, type Program } from './program.ts';
import { holds } from './assertion.ts';

/** What a search may still cost; `spend` is told how many instructions were tried, and false ends the search without a match. */
export interface Budget {
  spend(instructions: number): boolean;
}

/** Which match is wanted: whether there is one, the longest of the leftmost, or the one that Perl would come upon. */
type Wanted = 'any' | 'longest' | 'first';

/** Start and end of the whole match and of each group. */
type Slots = readonly number[];

/** Threads in order of preference, no two at the same instruction. */
class Threads {
  readonly pcs: Int32Array;
  readonly slots: Slots[] = [];
  readonly visited: Int32Array;
  count = 0;
  generation = 1;

  constructor(size: number) {
    this.pcs = new Int32Array(size);
    this.visited = new Int32Array(size);
  }

  clear(): void {
    this.count = 0;
    this.generation++;
  }
}

const NO_SLOTS: Slots = [];

/** Rob Pike's machine: it walks through the text once, every thread of the automaton side by side. */
export class Machine {
  readonly #program: Program;
  #text = '';
  #budget: Budget = { spend: () => false };
  #wanted: Wanted = 'any';
  #spent = 0;
  #current: Threads;
  #next: Threads;
  /** Where `#follow` has still to go. */
  readonly #pcs: number[] = [];
  readonly #slots: Slots[] = [];
  readonly #looks: readonly Machine[];

  constructor(program: Program) {
    this.#program = program;
    this.#current = new Threads(program.ops.length);
    this.#next = new Threads(program.ops.length);
    this.#looks = program.looks.map((look) => new Machine(look.program));
  }

  /** The slots of a match at or after `from`; with `here` it begins right there, and with `end` it ends there. */
  run(
    text: string,
    from: number,
    wanted: Wanted,
    budget: Budget,
    where: 'anywhere' | 'here' = 'anywhere',
    end = -1,
  ): Slots | undefined {
    this.#text = text;
    this.#budget = budget;
    this.#wanted = wanted;
    this.#spent = 1;
    this.#current.clear();
    this.#next.clear();
    const found = this.#walk(from, where, end);
    budget.spend(this.#spent);
    return found;
  }

  #walk(from: number, where: 'anywhere' | 'here', end: number): Slots | undefined {
    const { ops, first, sets, begins } = this.#program;
    const text = this.#text;
    const wanted = this.#wanted;
    let best: Slots | undefined;
    for (let at = from; ; at++) {
      if (this.#current.count === 0) {
        if (best !== undefined || (where === 'here' && at > from)) return best;
        if (begins !== undefined && where === 'anywhere') at = this.#nextStart(begins, at);
      }
      if (best === undefined && (where === 'anywhere' || at === from))
        this.#follow(this.#current, 0, wanted === 'any' ? NO_SLOTS : [at, -1], at);
      const char = at < text.length ? text.charCodeAt(at) : -1;
      const { pcs, slots, count } = this.#current;
      this.#spent += count;
      for (let i = 0; i < count; i++) {
        const pc = pcs[i] ?? 0;
        const own = slots[i] ?? NO_SLOTS;
        // One that began later cannot win any more.
        if (best !== undefined && wanted === 'longest' && (own[0] ?? 0) > (best[0] ?? 0)) continue;
        const op = ops[pc];
        if (op === OP.char) {
          if (first[pc] === char) this.#follow(this.#next, pc + 1, own, at + 1);
        } else if (op === OP.set) {
          if (char >= 0 && sets[first[pc] ?? 0]?.has(char) === true)
            this.#follow(this.#next, pc + 1, own, at + 1);
        } else if (end < 0 || at === end) {
          if (wanted === 'any') return own;
          best = this.#better(best, own, at);
          // Whoever is less preferred has lost.
          if (wanted === 'first') break;
        }
      }
      if (this.#spent > 1000 && !this.#pay()) return undefined;
      if (at >= text.length) return best;
      [this.#current, this.#next] = [this.#next, this.#current];
      this.#next.clear();
    }
  }

  #nextStart(begins: CharSet, from: number): number {
    const text = this.#text;
    let at = from;
    while (at < text.length && !begins.has(text.charCodeAt(at))) at++;
    this.#spent += (at - from) >> 3;
    return at;
  }

  #better(best: Slots | undefined, slots: Slots, at: number): Slots {
    if (best !== undefined && this.#wanted === 'longest') {
      const [start = 0, end = 0] = best;
      if ((slots[0] ?? 0) >= start && end >= at) return best;
    }
    return withSlot(slots, 1, at);
  }

  #pay(): boolean {
    const spent = this.#spent;
    this.#spent = 0;
    return this.#budget.spend(spent);
  }

  /** Adds what the instruction leads to without taking a character. */
  #follow(threads: Threads, start: number, from: Slots, at: number): void {
    const { ops, first, second, asserts } = this.#program;
    const { visited, generation } = threads;
    const [pcs, kept] = [this.#pcs, this.#slots];
    pcs.push(start);
    kept.push(from);
    for (let pc = pcs.pop(); pc !== undefined; pc = pcs.pop()) {
      let slots = kept.pop() ?? from;
      // Straight on as long as there is one way.
      for (;;) {
        if (visited[pc] === generation) break;
        visited[pc] = generation;
        this.#spent++;
        const op = ops[pc];
        const to: number = first[pc] ?? 0;
        if (op === OP.jump) pc = to;
        else if (op === OP.split) {
          pcs.push(second[pc] ?? 0);
          kept.push(slots);
          pc = to;
        } else if (op === OP.save) {
          if (this.#wanted !== 'any') slots = this.#save(slots, to, at);
          pc++;
        } else if (op === OP.assert) {
          const what = asserts[to];
          if (what === undefined || !holds(what, this.#text, at)) break;
          pc++;
        } else if (op === OP.look) {
          if (!this.#look(to, at)) break;
          pc++;
        } else {
          threads.pcs[threads.count] = pc;
          threads.slots[threads.count++] = slots;
          break;
        }
      }
    }
  }

  #save(slots: Slots, slot: number, at: number): Slots {
    this.#spent += slots.length >> 2;
    return withSlot(slots, slot, at);
  }

  #look(index: number, at: number): boolean {
    const look = this.#program.looks[index];
    const machine = this.#looks[index];
    if (look === undefined || machine === undefined) return false;
    const run = (from: number, end: number): boolean =>
      machine.run(this.#text, from, 'any', this.#budget, 'here', end) !== undefined;
    const found =
      look.behind === undefined
        ? run(at, -1)
        : look.behind.some((width) => width <= at && run(at - width, at));
    return found === (look.wanted === 'match');
  }
}

function withSlot(slots: Slots, slot: number, at: number): Slots {
  const copy = slots.slice();
  while (copy.length < slot) copy.push(-1);
  copy[slot] = at;
  return copy;
}
