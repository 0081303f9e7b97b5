import { Cursor } from './cursor.ts';
import { parseHook, parseSetBlock, separator, type SetDeclaration } from './declaration.ts';
import { parseElements, type ParsedElement } from './elements.ts';
import type { Span, Token } from './lexer.ts';
import { chainHead, listSet, listTable, type ListOptions } from './list.ts';
import { nearest } from './misspell.ts';
import { parseRule } from './parse-rule.ts';
import type { RuleContext } from './rule-context.ts';
import { formatNftRule, type NftFamily, type NftRule } from './rule.ts';
import type { NftRuleset } from './ruleset.ts';
import { firstOf, formatElement, lastOf, type NftSet, type SetElement } from './set.ts';
import type { BaseChain, NftChain, NftTable } from './table.ts';
import { validate } from './validate.ts';

export interface InterpreterOptions extends ListOptions {
  readonly echo: boolean;
  readonly hasInterface: (name: string) => boolean;
}

/** Families that a kernel has and that no packet here passes. */
const OTHER_FAMILIES = ['arp', 'bridge', 'netdev'];

const KERNEL = 'Could not process rule: ';
const NOT_FOUND = 'No such file or directory';

type Verb = 'add' | 'create' | 'insert' | 'replace' | 'delete' | 'get';

/** Reads nft's commands one after the other and carries each out. After a failure the caller puts everything back. */
export class Interpreter {
  readonly cursor: Cursor;
  out = '';
  readonly #ruleset: NftRuleset;
  readonly #options: InterpreterOptions;
  #start: Token;

  constructor(text: string, ruleset: NftRuleset, options: InterpreterOptions) {
    this.cursor = new Cursor(text);
    this.#ruleset = ruleset;
    this.#options = options;
    this.#start = this.cursor.peek();
  }

  run(): void {
    const { cursor } = this;
    for (;;) {
      while (cursor.peek().kind === 'newline' || cursor.is(';')) cursor.next();
      if (cursor.failed || cursor.peek().kind === 'end') return;
      this.#start = cursor.peek();
      this.#command();
      if (cursor.failed || cursor.peek().kind === 'end') return;
      if (cursor.peek().kind !== 'newline' && !cursor.is(';')) {
        cursor.unexpected('newline or semicolon');
        return;
      }
    }
  }

  #command(): void {
    const { cursor } = this;
    const word = cursor.peek();
    if (word.kind !== 'string') {
      cursor.unexpected();
      return;
    }
    cursor.next();
    switch (word.text) {
      case 'add':
      case 'create':
      case 'insert':
      case 'replace':
      case 'delete':
      case 'get':
        this.#object(word.text);
        return;
      case 'table':
      case 'chain':
      case 'rule':
      case 'set':
      case 'map':
      case 'element':
        cursor.at--;
        this.#object('add');
        return;
      case 'list':
        this.#list();
        return;
      case 'flush':
        this.#flush();
        return;
      case 'rename':
        this.#rename();
        return;
      case 'define':
        this.#define();
        return;
      case 'reset':
        this.#reset();
        return;
      default:
        // Without a verb a rule is added: nft takes the word for a table.
        if (cursor.peek().kind !== 'string') {
          cursor.unexpected('string');
          return;
        }
        cursor.at--;
        this.#rule('add');
    }
  }

  #object(verb: Verb): void {
    const { cursor } = this;
    const kind = cursor.peek();
    switch (kind.kind === 'string' ? kind.text : '') {
      case 'table':
        cursor.next();
        this.#table(verb);
        return;
      case 'chain':
        cursor.next();
        this.#chain(verb);
        return;
      case 'rule':
        cursor.next();
        this.#rule(verb);
        return;
      case 'set':
      case 'map':
        cursor.next();
        this.#set(verb, kind.text === 'map' ? 'map' : 'set');
        return;
      case 'element':
        cursor.next();
        this.#element(verb);
        return;
      case 'counter':
      case 'quota':
      case 'limit':
      case 'flowtable':
      case 'ct':
      case 'secmark':
      case 'synproxy':
        cursor.fail(`${KERNEL}Operation not supported`, kind);
        return;
      default:
        if (kind.kind === 'string' && verb === 'add') this.#rule('add');
        else cursor.unexpected(kind.kind === 'string' ? '' : 'string');
    }
  }

  /** The family that is named, or ip. */
  #family(): NftFamily | undefined {
    const { cursor } = this;
    if (cursor.is('ip', 'ip6', 'inet')) return cursor.next().text as NftFamily;
    if (cursor.is(...OTHER_FAMILIES)) return cursor.fail(`${KERNEL}Operation not supported`, cursor.peek());
    return 'ip';
  }

  /** A family and the name of a table. */
  #tableName(): { readonly family: NftFamily; readonly name: Token } | undefined {
    const family = this.#family();
    const name = family === undefined ? undefined : this.cursor.word();
    return family === undefined || name === undefined ? undefined : { family, name };
  }

  /** A table that is there. */
  #existing(prefix = ''): NftTable | undefined {
    const named = this.#tableName();
    if (named === undefined) return undefined;
    const { family, name } = named;
    const found = this.#ruleset.table(family, name.text);
    if (found !== undefined) return found;
    const near = nearest(
      name.text,
      this.#ruleset.tables.filter((table) => table.family === family),
      (table) => table.name,
    );
    const hint =
      near === undefined || prefix !== '' ? '' : `; did you mean table ‘${near.name}’ in family ${family}?`;
    return this.cursor.fail(`${prefix}${NOT_FOUND}${hint}`, name);
  }

  #chainHint(name: string): string {
    const chains = this.#ruleset.tables.flatMap((table) => table.chains());
    const near = nearest(name, chains, (chain) => chain.name);
    return near === undefined
      ? ''
      : `; did you mean chain ‘${near.name}’ in table ${near.table.family} ‘${near.table.name}’?`;
  }

  #existingChain(table: NftTable, hinted: 'hinted' | 'plain'): NftChain | undefined {
    const name = this.cursor.word();
    if (name === undefined) return undefined;
    const chain = table.chain(name.text);
    if (chain !== undefined) return chain;
    return hinted === 'hinted'
      ? this.cursor.fail(`${NOT_FOUND}${this.#chainHint(name.text)}`, name)
      : this.cursor.fail(`${KERNEL}${NOT_FOUND}`, name);
  }

  #context(table: NftTable): RuleContext {
    return {
      family: table.family,
      set: (name) => table.set(name)?.spec,
      hasChain: (name) => table.chain(name) !== undefined,
      hasInterface: this.#options.hasInterface,
      suggestChain: (name) => this.#chainHint(name),
    };
  }

  #table(verb: Verb): void {
    const { cursor } = this;
    if (verb === 'delete') {
      if (cursor.take('handle')) {
        const span = cursor.peek();
        const handle = cursor.number();
        const table = this.#ruleset.tables.find((candidate) => candidate.handle === handle);
        if (table === undefined) cursor.fail(`${KERNEL}${NOT_FOUND}`, span);
        else this.#ruleset.delete(table);
        return;
      }
      const table = this.#existing(KERNEL);
      if (table !== undefined) this.#ruleset.delete(table);
      return;
    }
    const named = this.#tableName();
    if (named === undefined) return;
    const { family, name } = named;
    const known = this.#ruleset.table(family, name.text);
    if (known !== undefined && verb === 'create') {
      cursor.fail(`${KERNEL}File exists`, name);
      return;
    }
    const table = known ?? this.#ruleset.add(family, name.text);
    if (known === undefined && this.#options.echo) this.out += `add table ${family} ${table.name}\n`;
    if (cursor.is('{')) this.#tableBlock(table);
    this.#ruleset.changed();
  }

  #tableBlock(table: NftTable): void {
    const { cursor } = this;
    cursor.next();
    this.#declareChains(table);
    for (;;) {
      while (cursor.peek().kind === 'newline' || cursor.is(';')) cursor.next();
      if (cursor.take('}')) return;
      const word = cursor.peek();
      switch (word.kind === 'string' ? word.text : '') {
        case 'comment': {
          cursor.next();
          table.comment = cursor.name()?.text;
          break;
        }
        case 'flags':
          cursor.next();
          if (cursor.expect('dormant', 'string')) table.dormant = true;
          break;
        case 'chain': {
          cursor.next();
          const name = cursor.word();
          if (name === undefined || !cursor.expect('{', "'{'")) return;
          this.#chainBlock(table, name);
          continue;
        }
        case 'set':
        case 'map': {
          cursor.next();
          const name = cursor.word();
          if (name === undefined) return;
          this.#declareSet(table, word.text === 'map' ? 'map' : 'set', name, 'add');
          continue;
        }
        default:
          cursor.unexpected();
      }
      if (cursor.failed || !separator(cursor)) return;
    }
  }

  /** Rules of a block may name chains that come after them. */
  #declareChains(table: NftTable): void {
    const { cursor } = this;
    let depth = 0;
    for (let ahead = 0; depth >= 0; ahead++) {
      const token = cursor.peek(ahead);
      if (token.kind === 'end') return;
      if (token.kind !== 'symbol' && !(depth === 0 && token.text === 'chain')) continue;
      if (token.text === '{') depth++;
      else if (token.text === '}') depth--;
      else if (token.text === 'chain') {
        const name = cursor.peek(ahead + 1);
        const block = cursor.peek(ahead + 2).text === '{';
        if (block && name.kind === 'string' && table.chain(name.text) === undefined)
          table.addChain(name.text, {});
      }
    }
  }

  #chain(verb: Verb): void {
    const { cursor } = this;
    const table = this.#existing(verb === 'delete' ? KERNEL : '');
    if (table === undefined) return;
    if (verb === 'delete') {
      const chain = this.#existingChain(table, 'plain');
      if (chain === undefined) return;
      const used = this.#references(table, chain.name);
      if (used) cursor.fail(`${KERNEL}Device or resource busy`, this.#last());
      else table.deleteChain(chain.name);
      this.#ruleset.changed();
      return;
    }
    const name = cursor.word();
    if (name === undefined) return;
    const known = table.chain(name.text);
    if (known !== undefined && verb === 'create') {
      cursor.fail(`${KERNEL}File exists`, name);
      return;
    }
    if (cursor.take('{')) this.#chainBlock(table, name);
    else if (known === undefined) table.addChain(name.text, {});
    this.#echo(`add chain ${table.family} ${table.name} ${name.text}`, table.chain(name.text)?.handle);
    this.#ruleset.changed();
  }

  /** The lines between a chain's braces, the first one taken. */
  #chainBlock(table: NftTable, name: Token): void {
    const { cursor } = this;
    let base: BaseChain | undefined;
    let policy: 'accept' | 'drop' | undefined;
    let comment: string | undefined;
    const rules: { readonly rule: NftRule; readonly span: Span }[] = [];
    for (;;) {
      while (cursor.peek().kind === 'newline' || cursor.is(';')) cursor.next();
      if (cursor.take('}')) break;
      const start = cursor.peek();
      if (cursor.take('type')) base = parseHook(cursor);
      else if (cursor.take('policy')) {
        if (!cursor.is('accept', 'drop')) cursor.unexpected("accept or drop or '$'");
        policy = cursor.next().text === 'drop' ? 'drop' : 'accept';
      } else if (cursor.is('comment') && cursor.peek(1).kind !== 'symbol') {
        cursor.next();
        comment = cursor.name()?.text;
      } else {
        const rule = parseRule(cursor, this.#context(table));
        if (rule !== undefined) rules.push({ rule, span: cursor.since(start) });
      }
      if (cursor.failed || !separator(cursor)) return;
    }
    const chain = this.#makeChain(table, name, base, policy, comment);
    for (const { rule, span } of rules) {
      chain?.insert(chain.rules.length, rule);
      if (cursor.failed || !this.#valid(table, rule, span)) return;
    }
  }

  #makeChain(
    table: NftTable,
    name: Token,
    hook: BaseChain | undefined,
    policy: 'accept' | 'drop' | undefined,
    comment: string | undefined,
  ): NftChain | undefined {
    const base = hook === undefined ? undefined : { ...hook, policy: policy ?? 'accept' };
    const misplaced =
      (base?.type === 'nat' && base.hook === 'FORWARD') || (base?.type === 'route' && base.hook !== 'OUTPUT');
    if (misplaced)
      return this.cursor.fail(`${KERNEL}Operation not supported`, this.cursor.since(this.#start));
    const known = table.chain(name.text);
    if (known === undefined) return table.addChain(name.text, { base, comment });
    if (base !== undefined && known.base !== undefined) {
      const { type, hook: point, priority } = known.base;
      if (type !== base.type || point !== base.hook || priority !== base.priority)
        return this.cursor.fail(`${KERNEL}File exists`, this.cursor.since(this.#start));
      known.base = base;
    } else if (base !== undefined || comment !== undefined) {
      // A chain that was only foreseen by the block it stands in, or that has no hook yet.
      if (known.rules.length > 0)
        return this.cursor.fail(`${KERNEL}File exists`, this.cursor.since(this.#start));
      table.deleteChain(name.text);
      return table.addChain(name.text, { base, comment });
    } else if (policy !== undefined && known.base !== undefined) known.base = { ...known.base, policy };
    return known;
  }

  #references(table: NftTable, name: string): boolean {
    const jumps = (rule: NftRule): boolean =>
      rule.statements.some((statement) => statement.jumps?.includes(name) === true);
    return (
      table.chains().some((chain) => chain.name !== name && chain.rules.some(jumps)) ||
      table.sets().some((set) => set.list(this.#options.now).some(({ data }) => leadsTo(data, name)))
    );
  }

  #rule(verb: Verb): void {
    const { cursor } = this;
    if (verb === 'get' || verb === 'create') {
      cursor.at--;
      cursor.unexpected();
      return;
    }
    const strict = verb === 'add' ? '' : KERNEL;
    const table = this.#existing(strict);
    if (table === undefined) return;
    const chain = this.#existingChain(table, verb === 'add' ? 'hinted' : 'plain');
    if (chain === undefined) return;
    const where = this.#position(chain, verb);
    if (where === undefined) return;
    if (verb === 'delete') {
      chain.remove(where);
      this.#ruleset.changed();
      return;
    }
    const rule = parseRule(cursor, this.#context(table));
    if (rule === undefined) return;
    const handle = verb === 'replace' ? chain.replace(where, rule) : chain.insert(where, rule);
    this.#ruleset.changed();
    if (!this.#valid(table, rule, cursor.since(this.#start))) return;
    this.#echo(
      `${verb === 'insert' ? 'insert' : 'add'} rule ${table.family} ${table.name} ${chain.name} ${formatNftRule(rule, this.#options)}`,
      handle,
    );
  }

  /** Where in the chain the rule goes, or which rule is meant. */
  #position(chain: NftChain, verb: Verb): number | undefined {
    const { cursor } = this;
    const must = verb === 'delete' || verb === 'replace';
    const start = cursor.peek();
    if (cursor.is('handle', 'position')) {
      cursor.next();
      const span = cursor.peek();
      const handle = cursor.number();
      if (handle === undefined) return undefined;
      const at = chain.handles.indexOf(handle);
      if (at < 0) return cursor.fail(`${KERNEL}${NOT_FOUND}`, span);
      return at + (verb === 'add' ? 1 : 0);
    }
    if (must) return cursor.unexpected('handle');
    if (cursor.take('index')) {
      const index = cursor.number();
      if (index === undefined) return undefined;
      if (index >= chain.rules.length) return cursor.fail(`${KERNEL}${NOT_FOUND}`, cursor.since(start));
      return index + (verb === 'add' ? 1 : 0);
    }
    return verb === 'insert' ? 0 : chain.rules.length;
  }

  /** The kernel's own look at what a rule adds: where statements may stand, and that no way leads round. */
  #valid(table: NftTable, rule: Pick<NftRule, 'statements'>, span: Span): boolean {
    const concerned = rule.statements.some(
      ({ hooks, jumps, sets }) => hooks !== undefined || jumps !== undefined || sets !== undefined,
    );
    if (!concerned) return true;
    return this.#judge(table, span);
  }

  #judge(table: NftTable, span: Span): boolean {
    const problem = validate(table, this.#options.now);
    if (problem !== undefined) this.cursor.fail(`${KERNEL}${problem}`, span);
    return problem === undefined;
  }

  #set(verb: Verb, kind: 'set' | 'map'): void {
    const { cursor } = this;
    const table = this.#existing(verb === 'delete' ? KERNEL : '');
    const name = table === undefined ? undefined : cursor.word();
    if (table === undefined || name === undefined) return;
    if (verb !== 'delete') {
      this.#declareSet(table, kind, name, verb);
      this.#ruleset.changed();
      return;
    }
    const set = table.set(name.text);
    if (set?.spec.kind !== kind) {
      cursor.fail(`${KERNEL}${NOT_FOUND}`, name);
      return;
    }
    const used = table
      .chains()
      .some(({ rules }) =>
        rules.some((rule) => rule.statements.some(({ sets }) => sets?.includes(name.text) === true)),
      );
    if (used) cursor.fail(`${KERNEL}Device or resource busy`, name);
    else table.deleteSet(name.text);
  }

  #declareSet(table: NftTable, kind: 'set' | 'map', name: Token, verb: Verb): void {
    const { cursor } = this;
    const declared = parseSetBlock(cursor, kind, name.text, this.#context(table));
    if (declared === undefined) return;
    const known = table.set(name.text);
    if (known !== undefined && (verb === 'create' || !sameDeclaration(known, declared))) {
      cursor.fail(`${KERNEL}File exists`, name);
      return;
    }
    const set = known ?? table.addSet(declared.spec);
    this.#addElements(set, declared.elements, 'add');
  }

  #element(verb: Verb): void {
    const { cursor } = this;
    const table = this.#existing(verb === 'delete' ? KERNEL : '');
    const name = table === undefined ? undefined : cursor.word();
    if (table === undefined || name === undefined) return;
    const set = table.set(name.text);
    if (set === undefined) {
      cursor.fail(NOT_FOUND, name);
      return;
    }
    const { spec } = set;
    const shape = verb === 'delete' || verb === 'get' ? { kind: 'set' as const, key: spec.key } : spec;
    const elements = parseElements(cursor, shape, this.#context(table));
    if (elements === undefined) return;
    switch (verb) {
      case 'add':
      case 'create':
        this.#addElements(set, elements, verb);
        if (elements.some(({ element }) => leadsTo(element.data)))
          this.#judge(table, cursor.since(this.#start));
        break;
      case 'delete':
        for (const { element, span } of elements)
          if (!set.delete(element)) cursor.fail(`${KERNEL}${NOT_FOUND}`, span);
        break;
      case 'get':
        this.#get(table, set, elements);
        break;
      default:
        cursor.fail(`${KERNEL}Operation not supported`, this.#start);
    }
    this.#ruleset.changed();
  }

  #addElements(set: NftSet, elements: readonly ParsedElement[], verb: 'add' | 'create'): void {
    const { now } = this.#options;
    for (const { element, span } of elements) {
      const ranged = element.key.some((part) => typeof part === 'object');
      if (ranged && !set.interval) {
        this.cursor.fail(
          "You must add 'flags interval' to your set declaration if you want to add prefix elements",
          span,
        );
        return;
      }
      const known = set.get(element, now);
      if (known !== undefined) {
        if (verb !== 'create' && sameData(known, element)) continue;
        this.cursor.fail(`${KERNEL}File exists`, span);
        return;
      }
      const { size } = set.spec;
      if (size !== undefined && set.list(now).length >= size) {
        this.cursor.fail(`${KERNEL}Too many open files in system`, span);
        return;
      }
      const added = this.#merged(set, this.#alive(set, element), span);
      if (added === undefined) return;
      set.add(added);
    }
  }

  #alive(set: NftSet, element: SetElement): SetElement {
    const { spec } = set;
    const timeout = element.timeout ?? spec.timeout;
    return {
      ...element,
      ...(timeout === undefined ? {} : { expires: this.#options.now + timeout * 1000 }),
      ...(spec.counter === true && element.counter === undefined
        ? { counter: { packets: 0, bytes: 0 } }
        : {}),
    };
  }

  /** Intervals keep apart, or with `auto-merge` become one with those that they touch. */
  #merged(set: NftSet, element: SetElement, span: Span): SetElement | undefined {
    if (!set.interval || set.spec.key.length > 1) return element;
    const { now } = this.#options;
    if (set.spec.autoMerge !== true) {
      return set.overlapping(element, now) === undefined
        ? element
        : this.cursor.fail('interval overlaps with an existing one', span);
    }
    let [part] = element.key;
    for (;;) {
      if (part === undefined) return element;
      const first = Number(firstOf(part));
      const last = Number(lastOf(part));
      const wide = { key: [[Math.max(first - 1, 0), last + 1]] as const };
      const other = set.overlapping(wide, now);
      const [touched] = other?.key ?? [];
      if (other === undefined || touched === undefined) return { ...element, key: [part] };
      set.delete(other);
      part = [Math.min(first, Number(firstOf(touched))), Math.max(last, Number(lastOf(touched)))];
    }
  }

  #get(table: NftTable, set: NftSet, elements: readonly ParsedElement[]): void {
    const found: SetElement[] = [];
    for (const { element } of elements) {
      const one = set.lookup(element.key.map(firstOf), this.#options.now);
      if (one === undefined) {
        this.cursor.fail(`${KERNEL}${NOT_FOUND}`, this.cursor.since(this.#start));
        return;
      }
      found.push(one);
    }
    const lines = listTable(table, { ...this.#options, terse: true }, { sets: [set], chains: [] });
    const text = found
      .map((element) => formatElement(set.spec, element, this.#options.now, this.#options))
      .join(', ');
    lines.splice(-2, 0, `\t\telements = { ${text} }`);
    this.out += `${lines.join('\n')}\n`;
  }

  #flush(): void {
    const { cursor } = this;
    const kind = cursor.peek();
    switch (kind.text) {
      case 'ruleset': {
        cursor.next();
        const family = cursor.is('ip', 'ip6', 'inet') ? this.#family() : undefined;
        for (const table of this.#ruleset.tables)
          if (family === undefined || table.family === family) this.#ruleset.delete(table);
        break;
      }
      case 'table': {
        cursor.next();
        for (const chain of this.#existing(KERNEL)?.chains() ?? []) chain.follow([]);
        break;
      }
      case 'chain': {
        cursor.next();
        const table = this.#existing(KERNEL);
        if (table === undefined) return;
        this.#existingChain(table, 'plain')?.follow([]);
        break;
      }
      case 'set':
      case 'map': {
        cursor.next();
        const table = this.#existing(KERNEL);
        const name = table === undefined ? undefined : cursor.word();
        if (table === undefined || name === undefined) return;
        const set = table.set(name.text);
        if (set?.spec.kind !== kind.text) cursor.fail(NOT_FOUND, name);
        else set.clear();
        break;
      }
      default:
        cursor.unexpected();
        return;
    }
    this.#ruleset.changed();
  }

  #rename(): void {
    const { cursor } = this;
    if (!cursor.expect('chain', 'chain')) return;
    const table = this.#existing(KERNEL);
    const chain = table === undefined ? undefined : this.#existingChain(table, 'plain');
    const name = chain === undefined ? undefined : cursor.word();
    if (table === undefined || chain === undefined || name === undefined) return;
    if (table.chain(name.text) !== undefined) cursor.fail(`${KERNEL}File exists`, name);
    else table.renameChain(chain, name.text);
    this.#ruleset.changed();
  }

  /** `reset counters` and their like work on named objects, of which there are none. */
  #reset(): void {
    const { cursor } = this;
    if (cursor.is('counters', 'quotas')) {
      cursor.next();
      if (cursor.peek().kind !== 'newline') this.#existing();
      return;
    }
    cursor.unexpected();
  }

  /** `define NAME = …`: every `$NAME` after it is what it says. */
  #define(): void {
    const { cursor } = this;
    const name = cursor.word();
    if (name === undefined || !cursor.expect('=', "'='")) return;
    const value: Token[] = [];
    let depth = 0;
    while (
      cursor.peek().kind !== 'end' &&
      (depth > 0 || (cursor.peek().kind !== 'newline' && !cursor.is(';')))
    ) {
      if (cursor.is('{')) depth++;
      if (cursor.is('}')) depth--;
      value.push(cursor.next());
    }
    cursor.define(name.text, value);
  }

  #list(): void {
    const { cursor } = this;
    const kind = cursor.peek();
    switch (kind.kind === 'string' ? kind.text : '') {
      case 'ruleset':
        cursor.next();
        for (const table of this.#ofFamily()) this.#print(listTable(table, this.#options));
        return;
      case 'tables':
        cursor.next();
        for (const table of this.#ofFamily())
          this.#print([
            `table ${table.family} ${table.name}${this.#options.handles ? ` # handle ${table.handle}` : ''}`,
          ]);
        return;
      case 'table': {
        cursor.next();
        const table = this.#existing();
        if (table !== undefined) this.#print(listTable(table, this.#options));
        return;
      }
      case 'chains':
        cursor.next();
        for (const table of this.#ofFamily())
          this.#print([
            `table ${table.family} ${table.name} {`,
            ...table.chains().flatMap((chain) => [...chainHead(chain, this.#options), '\t}']),
            '}',
          ]);
        return;
      case 'sets':
      case 'maps':
        cursor.next();
        for (const table of this.#ofFamily())
          this.#print([
            `table ${table.family} ${table.name} {`,
            ...table
              .sets()
              .filter(({ spec }) => `${spec.kind}s` === kind.text)
              .flatMap((set) => listSet(set, { ...this.#options, terse: true })),
            '}',
          ]);
        return;
      case 'chain':
      case 'set':
      case 'map':
        cursor.next();
        this.#listOne(kind.text);
        return;
      case 'counters':
      case 'quotas':
      case 'limits':
        cursor.next();
        for (const table of this.#ofFamily()) this.#print([`table ${table.family} ${table.name} {`, '}']);
        return;
      default:
        cursor.unexpected();
    }
  }

  #listOne(kind: string): void {
    const { cursor } = this;
    const table = this.#existing();
    const name = table === undefined ? undefined : cursor.word();
    if (table === undefined || name === undefined) return;
    if (kind === 'chain') {
      const chain = table.chain(name.text);
      if (chain === undefined) cursor.fail(NOT_FOUND, name);
      else this.#print(listTable(table, this.#options, { sets: [], chains: [chain] }));
      return;
    }
    const set = table.set(name.text);
    if (set?.spec.kind !== kind) cursor.fail(NOT_FOUND, name);
    else this.#print(listTable(table, this.#options, { sets: [set], chains: [] }));
  }

  #ofFamily(): readonly NftTable[] {
    const { tables } = this.#ruleset;
    if (!this.cursor.is('ip', 'ip6', 'inet', ...OTHER_FAMILIES)) return tables;
    const family = this.cursor.next().text;
    return tables.filter((table) => table.family === family);
  }

  #print(lines: readonly string[]): void {
    this.out += `${lines.join('\n')}\n`;
  }

  #echo(text: string, handle: number | undefined): void {
    if (!this.#options.echo) return;
    this.out += `${text}${this.#options.handles ? ` # handle ${handle ?? 0}` : ''}\n`;
  }

  #last(): Span {
    return this.cursor.tokens[this.cursor.at - 1] ?? this.#start;
  }
}

function leadsTo(data: SetElement['data'], chain?: string): boolean {
  return data !== undefined && 'chain' in data && (chain === undefined || data.chain === chain);
}

function sameData(a: SetElement, b: SetElement): boolean {
  return JSON.stringify(a.data) === JSON.stringify(b.data);
}

function sameDeclaration({ spec }: NftSet, { spec: other }: SetDeclaration): boolean {
  const shape = ({ kind, key, data, flags }: typeof spec): string =>
    [
      kind,
      ...key.map(({ name }) => name),
      data === 'verdict' ? data : data?.map(({ name }) => name),
      ...[...flags].sort(),
    ].join(' ');
  return shape(spec) === shape(other);
}
