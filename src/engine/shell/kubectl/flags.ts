/**
 * Flags as pflag and cobra read them: `--name=value`, `--name value`, `-n value`, `-nvalue`, `-it`, flags and arguments in any
 * order, and everything after `--` an argument. Errors are in pflag's words.
 */

type FlagKind = 'text' | 'bool' | 'int' | 'duration' | 'list';

export interface FlagSpec {
  readonly name: string;
  readonly short: string;
  readonly kind: FlagKind;
  /** What the flag means without a value, if it may lack one. */
  readonly bare: string | undefined;
}

/**
 * A table of flags from its short form: `output/o` takes text, `watch/w?` is a boolean, `tail#` a whole number, `timeout@` a
 * duration, `filename/f*` may be repeated, `dry-run=unchanged` has that value when it is given none.
 */
export function readSpecs(table: string): readonly FlagSpec[] {
  return table
    .split(/\s+/)
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [, name = '', short = '', mark = '', bare] =
        /^([\w-]+)(?:\/(\w))?([?#@*]?)(?:=(.*))?$/.exec(entry) ?? [];
      const kind = kinds[mark] ?? 'text';
      return { name, short, kind, bare: kind === 'bool' ? 'true' : bare };
    });
}

const kinds: Readonly<Record<string, FlagKind>> = { '?': 'bool', '#': 'int', '@': 'duration', '*': 'list' };

export class Flags {
  readonly args: string[] = [];
  /** How many of `args` stand before `--`; undefined without one. */
  dash: number | undefined;
  private readonly values = new Map<string, string[]>();

  has(name: string): boolean {
    return this.values.has(name);
  }

  text(name: string): string {
    return this.values.get(name)?.at(-1) ?? '';
  }

  on(name: string): boolean {
    return truths.has(this.text(name));
  }

  /** False only when it was said so: for flags that are on by default. */
  notOff(name: string): boolean {
    return !this.has(name) || this.on(name);
  }

  number(name: string): number | undefined {
    return this.has(name) ? Number(this.text(name)) : undefined;
  }

  /** Seconds. */
  seconds(name: string): number | undefined {
    return this.has(name) ? parseDuration(this.text(name)) : undefined;
  }

  list(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }

  set(name: string, value: string): void {
    const values = this.values.get(name);
    if (values === undefined) this.values.set(name, [value]);
    else values.push(value);
  }
}

export type FlagsResult = { readonly flags: Flags } | { readonly error: string } | { readonly help: true };

export interface ParseOptions {
  /** Stop at the first argument, which is then the name of a command. */
  readonly untilArgument?: boolean;
}

export function parseFlags(
  args: readonly string[],
  specs: readonly FlagSpec[],
  options: ParseOptions = {},
): FlagsResult {
  const flags = new Flags();
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') {
      flags.dash = flags.args.length;
      flags.args.push(...args.slice(at + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      if (options.untilArgument === true) {
        flags.args.push(...args.slice(at));
        break;
      }
      flags.args.push(arg);
    } else if (arg.startsWith('--')) {
      const [, name = '', value] = /^--([^=]*)(?:=([^]*))?$/.exec(arg) ?? [];
      if (name === '' || name.startsWith('-')) return { error: `bad flag syntax: ${arg}` };
      const spec = specs.find((candidate) => candidate.name === name);
      if (spec === undefined) return name === 'help' ? { help: true } : { error: `unknown flag: --${name}` };
      const given = value ?? spec.bare ?? args[++at];
      if (given === undefined) return { error: `flag needs an argument: --${name}` };
      const error = store(flags, spec, given);
      if (error !== undefined) return { error };
    } else {
      for (let letter = 1; letter < arg.length; letter++) {
        const short = arg[letter] ?? '';
        const spec = specs.find((candidate) => candidate.short === short);
        if (spec === undefined) {
          return short === 'h' ? { help: true } : { error: `unknown shorthand flag: '${short}' in ${arg}` };
        }
        const rest = arg.slice(letter + 1);
        let value = spec.bare;
        if (rest.startsWith('=')) value = rest.slice(1);
        else if (value === undefined) value = rest === '' ? args[++at] : rest;
        if (value === undefined) return { error: `flag needs an argument: '${short}' in ${arg}` };
        const error = store(flags, spec, value);
        if (error !== undefined) return { error };
        if (spec.bare === undefined || rest.startsWith('=')) break;
      }
    }
  }
  return { flags };
}

function store(flags: Flags, spec: FlagSpec, value: string): string | undefined {
  const problem = check(spec.kind, value);
  if (problem !== undefined) {
    const shown = spec.short === '' ? `--${spec.name}` : `-${spec.short}, --${spec.name}`;
    return `invalid argument ${JSON.stringify(value)} for "${shown}" flag: ${problem}`;
  }
  flags.set(spec.name, value);
  return undefined;
}

function check(kind: FlagKind, value: string): string | undefined {
  const quoted = JSON.stringify(value);
  switch (kind) {
    case 'bool':
      return truths.has(value) || lies.has(value)
        ? undefined
        : `strconv.ParseBool: parsing ${quoted}: invalid syntax`;
    case 'int':
      if (!/^[+-]?\d+$/.test(value)) return `strconv.ParseInt: parsing ${quoted}: invalid syntax`;
      return Math.abs(Number(value)) > 2 ** 31
        ? `strconv.ParseInt: parsing ${quoted}: value out of range`
        : undefined;
    case 'duration':
      if (parseDuration(value) !== undefined) return undefined;
      return /^[+-]?[\d.]+$/.test(value)
        ? `time: missing unit in duration ${quoted}`
        : `time: invalid duration ${quoted}`;
    case 'list':
    case 'text':
      return undefined;
  }
}

const truths = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const lies = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** Go's `time.ParseDuration` in seconds: `1h30m`, `1.5s`, `0`. */
function parseDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  const match = /^([+-]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.exec(text);
  if (match === null) return undefined;
  let seconds = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    seconds += Number(digits) * (units[unit ?? ''] ?? 0);
  }
  return match[1] === '-' ? -seconds : seconds;
}

const units: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};
