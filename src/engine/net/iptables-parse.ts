import { buildRules, type LoadedExtension, type RuleDraft } from './iptables-build.ts';
import {
  COMMANDS,
  ILLEGAL,
  isCommand,
  LONG_OPTIONS,
  OPTION_WORDS,
  tableOf,
  WITH_VALUE,
  type CommandLetter,
  type IptablesCommand,
  type IptablesOperation,
  type ParseError,
} from './iptables-command.ts';
import type { MatchExtension, OptionSpec } from './iptables-extension.ts';
import { parseInteger, type IptablesFamily, type TableName } from './iptables-rule.ts';
import { MATCHES } from './match/registry.ts';
import { protocolNumber } from './protocol.ts';
import { TARGETS } from './target/registry.ts';

export interface ParseContext {
  readonly family: IptablesFamily;
  readonly setExists: (name: string) => boolean;
  /** The table that a restore is in; without, `-t` says it. */
  readonly table?: TableName;
}

type Found = { readonly loaded: LoadedExtension; readonly spec: OptionSpec };

/** Parses the arguments of iptables or ip6tables 1.8.9, or one rule line of iptables-restore (iptables/xshared.c do_parse). */
export function parseArguments(args: readonly string[], context: ParseContext): IptablesCommand | ParseError {
  return new Parser(args, context).parse();
}

const LETTERS: ReadonlySet<string> = new Set([...LONG_OPTIONS.values()].filter((letter) => letter !== '0'));

function problem(error: string): ParseError {
  return { error, prefixed: true };
}

/** The option of an extension that has exactly this name. */
function optionOf(loaded: LoadedExtension, name: string): Found | undefined {
  for (const spec of loaded.extension.options)
    if (spec.name === name || spec.alias === name) return { loaded, spec };
  return undefined;
}

class Parser {
  readonly #args: readonly string[];
  readonly #context: ParseContext;
  #at = 0;
  #invert = false;
  #command: CommandLetter | undefined;
  #chain: string | undefined;
  #second: string | undefined;
  readonly #seen = new Set<string>();
  #table: string;
  readonly #draft: RuleDraft = { matches: [] };
  #implicit = false;
  #counters: IptablesCommand['counters'];
  #verbose = false;

  constructor(args: readonly string[], context: ParseContext) {
    this.#args = args;
    this.#context = context;
    this.#table = context.table ?? 'filter';
  }

  parse(): IptablesCommand | ParseError {
    while (this.#at < this.#args.length) {
      const arg = this.#args[this.#at] ?? '';
      const error = arg.startsWith('-') && arg !== '-' ? this.#option(arg) : this.#plain(arg);
      if (error !== undefined) return error;
    }
    return this.#finish();
  }

  #plain(arg: string): ParseError | undefined {
    this.#at++;
    if (arg === '!') {
      if (this.#invert) return problem('multiple consecutive ! not allowed');
      this.#invert = true;
      return undefined;
    }
    return { error: `Bad argument \`${arg}'`, prefixed: false };
  }

  #option(arg: string): ParseError | undefined {
    if (arg === '--') {
      this.#at++;
      return undefined;
    }
    if (arg.startsWith('--')) return this.#longOption(arg);
    this.#at++;
    for (let i = 1; i < arg.length; i++) {
      const letter = arg[i] ?? '';
      if (!LETTERS.has(letter)) return problem(`unknown option "-${letter}"`);
      let value: string | undefined;
      if (WITH_VALUE.includes(letter)) {
        value = i + 1 < arg.length ? arg.slice(i + 1) : this.#args[this.#at++];
        if (value === undefined)
          return problem(`option "${this.#args[this.#args.length - 1] ?? ''}" requires an argument`);
        i = arg.length;
      } else if ('LSFZXw'.includes(letter) && i + 1 < arg.length && letter !== 'w') {
        // An optional value may be glued on, but `-Lnv` is how people write options: getopt takes it as the chain's name.
        value = arg.slice(i + 1);
        i = arg.length;
      }
      const error = this.#main(letter, value);
      if (error !== undefined) return error;
    }
    return undefined;
  }

  #longOption(arg: string): ParseError | undefined {
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
    const glued = equals < 0 ? undefined : arg.slice(equals + 1);
    const exact = LONG_OPTIONS.get(name);
    const found = exact === undefined ? this.#findExtensionOption(name) : undefined;
    if (found !== undefined) return this.#extensionOption(found, glued);
    const letter = exact ?? this.#longLetter(name);
    if (letter !== undefined) {
      this.#at++;
      let value = glued;
      if (WITH_VALUE.includes(letter) && value === undefined) {
        value = this.#args[this.#at++];
        if (value === undefined) return problem(`option "${arg}" requires an argument`);
      }
      return this.#main(letter, value);
    }
    if (this.#loadProtocol()) return this.#longOption(arg);
    return problem(`unknown option "${arg}"`);
  }

  /** The one option that a name is the beginning of. */
  #longLetter(name: string): string | undefined {
    if (name === '') return undefined;
    const letters = new Set(
      [...LONG_OPTIONS].filter(([long]) => long.startsWith(name)).map(([, letter]) => letter),
    );
    return letters.size === 1 ? [...letters][0] : undefined;
  }

  #findExtensionOption(name: string): Found | undefined {
    const { target, matches } = this.#draft;
    const own = target === undefined ? undefined : optionOf(target, name);
    if (own !== undefined) return own;
    for (let i = matches.length - 1; i >= 0; i--) {
      const match = matches[i];
      const option = match === undefined ? undefined : optionOf(match, name);
      if (option !== undefined) return option;
    }
    const loaded = [...(target === undefined ? [] : [target]), ...matches];
    if (name === '') return undefined;
    const partial: Found[] = [];
    for (const candidate of loaded) {
      for (const spec of candidate.extension.options) {
        if (spec.name.startsWith(name) || spec.alias?.startsWith(name) === true)
          partial.push({ loaded: candidate, spec });
      }
    }
    const ambiguous = [...LONG_OPTIONS.keys()].some((long) => long.startsWith(name));
    return partial.length === 1 && !ambiguous ? partial[0] : undefined;
  }

  /** `-p tcp --dport 80` loads the match of that protocol by itself, once. */
  #loadProtocol(): boolean {
    if (this.#draft.protocol === undefined || this.#implicit) return false;
    const { number } = this.#draft.protocol;
    const name =
      number === 58
        ? 'icmp6'
        : number === 1
          ? 'icmp'
          : number === 6
            ? 'tcp'
            : number === 17
              ? 'udp'
              : number === 132
                ? 'sctp'
                : undefined;
    const extension = name === undefined ? undefined : this.#findMatch(name);
    if (extension === undefined) return false;
    this.#implicit = true;
    this.#draft.matches.push({ name: extension.name, extension, given: new Map() });
    return true;
  }

  #findMatch(name: string): MatchExtension | undefined {
    const extension = MATCHES.get(name === 'icmpv6' || name === 'ipv6-icmp' ? 'icmp6' : name);
    return extension?.families === undefined || extension.families.includes(this.#context.family)
      ? extension
      : undefined;
  }

  #extensionOption({ loaded, spec }: Found, glued: string | undefined): ParseError | undefined {
    const arg = this.#args[this.#at] ?? '';
    this.#at++;
    let value = glued ?? '';
    if (spec.argument === 'required' && glued === undefined) {
      const next = this.#args[this.#at++];
      if (next === undefined) return problem(`option "${arg}" requires an argument`);
      value = next;
    }
    if (spec.name === 'tcp-flags' || spec.name === 'match-set') {
      const next = this.#args[this.#at];
      if (next !== undefined && !next.startsWith('-') && next !== '!') {
        value += ` ${next}`;
        this.#at++;
      }
    }
    const invert = this.#takeInvert();
    if (invert && spec.invertible !== true) {
      return problem(`${loaded.name}: option "--${spec.name}" cannot be inverted.\n`);
    }
    if (loaded.given.has(spec.name)) {
      return problem(
        ['tcp', 'udp', 'sctp'].includes(loaded.name)
          ? `Only one \`--${spec.name}' allowed`
          : `${loaded.name}: option "--${spec.name}" can only be used once.\n`,
      );
    }
    const refused = spec.check?.(value, this.#draft.protocol);
    if (refused !== undefined) return problem(refused);
    loaded.given.set(spec.name, { value, invert });
    return undefined;
  }

  #takeInvert(): boolean {
    const invert = this.#invert;
    this.#invert = false;
    return invert;
  }

  #next(): string | undefined {
    const next = this.#args[this.#at];
    if (next === undefined || next.startsWith('-') || next === '!') return undefined;
    this.#at++;
    return next;
  }

  #main(letter: string, value = ''): ParseError | undefined {
    if (isCommand(letter)) return this.#setCommand(letter, value);
    const invert = this.#takeInvert();
    if ('sdpiojcmf'.includes(letter) || 'nx0g'.includes(letter)) {
      const flag = letter === 'g' ? 'j' : letter;
      if (flag !== 'm' && flag !== 'v') {
        if (this.#seen.has(flag))
          return problem(`multiple ${OPTION_WORDS[flag] ?? `-${flag}`} flags not allowed`);
        this.#seen.add(flag);
      }
      if (invert && letter === 'm') return problem('unexpected ! flag before --match');
      if (invert && !'sdpiof'.includes(letter))
        return problem(`cannot have ! before ${OPTION_WORDS[letter] ?? `-${letter}`}`);
    }
    switch (letter) {
      case 't':
        if (invert) return problem('unexpected ! flag before --table');
        this.#table = value;
        return undefined;
      case 's':
        this.#draft.source = { text: value, invert };
        return undefined;
      case 'd':
        this.#draft.destination = { text: value, invert };
        return undefined;
      case 'p':
        return this.#setProtocol(value, invert);
      case 'i':
      case 'o': {
        if (value.length > 15)
          return problem(`interface name \`${value}' must be shorter than IFNAMSIZ (15)`);
        if (value === '') return problem('Empty interface is likely to be undesired');
        if (letter === 'i') this.#draft.in = { name: value, invert };
        else this.#draft.out = { name: value, invert };
        return undefined;
      }
      case 'j':
        return this.#setTarget(value);
      case 'g':
        this.#draft.jump = { chain: value, goto: true };
        return undefined;
      case 'm': {
        const extension = this.#findMatch(value);
        if (extension === undefined)
          return problem(`Couldn't load match \`${value}':No such file or directory\n`);
        this.#draft.matches.push({ name: extension.name, extension, given: new Map() });
        return undefined;
      }
      case 'f':
        if (this.#context.family === 'ipv6') {
          return problem("`-f' is not supported in IPv6, use -m frag instead");
        }
        this.#draft.fragment = { invert };
        return undefined;
      case 'c': {
        let bytes = this.#next();
        let packets = value;
        if (bytes === undefined && value.includes(',')) [packets = '', bytes] = value.split(',');
        if (bytes === undefined) return problem('-c requires packet and byte counter');
        if (!/^\d+$/.test(packets)) return problem('-c packet counter not numeric');
        if (!/^\d+$/.test(bytes)) return problem('-c byte counter not numeric');
        this.#counters = { packets: Number(packets), bytes: Number(bytes) };
        return undefined;
      }
      case 'v':
        this.#verbose = true;
        return undefined;
      case 'w':
      case 'W':
        this.#next();
        return undefined;
      default:
        return undefined;
    }
  }

  #setCommand(letter: CommandLetter, value: string): ParseError | undefined {
    if (this.#takeInvert()) return problem("unexpected '!' flag");
    if (this.#command !== undefined) return problem(`Cannot use -${letter} with -${this.#command}`);
    this.#command = letter;
    this.#chain = value === '' && 'LSFZX'.includes(letter) ? this.#next() : value;
    if ('DIRLSZEP'.includes(letter)) this.#second = this.#next();
    if (letter === 'R' && this.#second === undefined) return problem('-R requires a rule number');
    if (letter === 'E' && this.#second === undefined)
      return problem('-E requires old-chain-name and new-chain-name');
    if (letter === 'P' && this.#second === undefined) return problem('-P requires a chain and a policy');
    if (letter === 'N') return this.#checkChainName(this.#chain ?? '', true);
    return undefined;
  }

  #checkChainName(name: string, fresh: boolean): ParseError | undefined {
    if (name === '') return problem('chain name not allowed to be empty!?\n');
    if (name.startsWith('-') || name.startsWith('!')) {
      return problem(`chain name not allowed to start with \`${name[0] ?? ''}'`);
    }
    if (fresh && TARGETS.has(name)) return problem('chain name may not clash with target name');
    if (name.length >= 29) return problem(`chain name \`${name}' too long (must be under 29 chars)`);
    if (/\s/.test(name)) return problem(`Invalid chain name \`${name}'`);
    return undefined;
  }

  #setProtocol(text: string, invert: boolean): ParseError | undefined {
    const number = protocolNumber(text);
    if (number === undefined) return problem(`unknown protocol "${text}" specified`);
    if (number === 0 && invert) return problem('rule would never match protocol');
    this.#draft.protocol = { number, invert };
    return undefined;
  }

  #setTarget(name: string): ParseError | undefined {
    if (name === '') return problem('Invalid target name (too short)');
    const extension = TARGETS.get(name);
    if (
      extension !== undefined &&
      (extension.families === undefined || extension.families.includes(this.#context.family))
    ) {
      this.#draft.target = { name, extension, given: new Map() };
      return undefined;
    }
    if (name.length >= 29) return problem(`Invalid target name \`${name}' (28 chars max)`);
    this.#draft.jump = { chain: name, goto: false };
    return undefined;
  }

  #finish(): IptablesCommand | ParseError {
    if (this.#invert) return problem('nothing appropriate following !');
    const letter = this.#command;
    if (letter === undefined) return problem('no command specified');
    for (const flag of this.#seen) {
      if (ILLEGAL[letter].includes(flag))
        return problem(`Illegal option \`${OPTION_WORDS[flag] ?? `-${flag}`}' with this command`);
    }
    const operation = this.#operation(letter);
    if ('error' in operation) return operation;
    return {
      table: this.#table,
      operation,
      counters: this.#counters,
      numeric: this.#seen.has('n'),
      verbose: this.#verbose,
      exact: this.#seen.has('x'),
      lineNumbers: this.#seen.has('0'),
    };
  }

  #position(text: string): number | ParseError {
    const number = parseInteger(text);
    return number === undefined || number === 0 ? problem(`Invalid rule number \`${text}'`) : number;
  }

  #operation(letter: CommandLetter): IptablesOperation | ParseError {
    const chain = this.#chain;
    const second = this.#second;
    const kind = COMMANDS[letter];
    switch (kind) {
      case 'append':
      case 'check':
      case 'delete':
      case 'insert':
      case 'replace': {
        const error = this.#checkChainName(chain ?? '', false);
        if (error !== undefined) return error;
        if (kind === 'delete' && second !== undefined) {
          const position = this.#position(second);
          return typeof position === 'number'
            ? { kind: 'delete-number', chain: chain ?? '', position }
            : position;
        }
        const rules = buildRules(this.#draft, {
          family: this.#context.family,
          table: tableOf(this.#table) ?? 'filter',
          chain: chain ?? '',
          setExists: this.#context.setExists,
        });
        if (typeof rules === 'string') return problem(rules);
        if (kind !== 'insert' && kind !== 'replace') return { kind, chain: chain ?? '', rules };
        const position = second === undefined ? 1 : this.#position(second);
        return typeof position === 'number' ? { kind, chain: chain ?? '', position, rules } : position;
      }
      case 'list':
      case 'list-rules':
      case 'zero': {
        const position = second === undefined ? undefined : this.#position(second);
        return typeof position === 'object' ? position : { kind, chain, position };
      }
      case 'flush':
      case 'delete-chain':
        return { kind, chain };
      case 'new-chain':
        return { kind, chain: chain ?? '' };
      case 'rename-chain': {
        const error = this.#checkChainName(second ?? '', true);
        return error ?? { kind, chain: chain ?? '', name: second ?? '' };
      }
      case 'policy':
        return { kind, chain: chain ?? '', policy: second ?? '' };
    }
  }
}
