/**
 * Options as getopt_long(3) reads them: `-nc3`, `-c 3`, `--count=3`, `--count 3`, `--`. `spec` names the short options,
 * a colon after those that take a value; `long` maps long names to the short letter (or to themselves) with the same colon.
 */
export interface Options {
  has(name: string): boolean;
  /** The last value given. */
  value(name: string): string | undefined;
  values(name: string): readonly string[];
  /** How often it was given, as in `-vv`. */
  count(name: string): number;
  readonly rest: readonly string[];
}

export type OptionError =
  | { readonly kind: 'unknown'; readonly option: string }
  | { readonly kind: 'missing'; readonly option: string };

export type GetoptResult =
  { readonly ok: true; readonly options: Options } | { readonly ok: false; readonly error: OptionError };

export interface GetoptSpec {
  readonly short: string;
  /** `{ 'connect-timeout': 'connect-timeout:', silent: 's' }` */
  readonly long?: Readonly<Record<string, string>>;
  /** Stop at the first operand, as `timeout` and `xargs` must. */
  readonly stopAtOperand?: boolean;
}

export function getopt(args: readonly string[], spec: GetoptSpec): GetoptResult {
  const found = new Map<string, string[]>();
  const rest: string[] = [];
  const add = (name: string, value: string): void => {
    const values = found.get(name);
    if (values === undefined) found.set(name, [value]);
    else values.push(value);
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--') {
      rest.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      if (spec.stopAtOperand === true) {
        rest.push(...args.slice(i));
        break;
      }
      rest.push(arg);
      continue;
    }
    if (arg.startsWith('--') && spec.long !== undefined) {
      const equals = arg.indexOf('=');
      const typed = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
      const target = findLong(spec.long, typed);
      if (target === undefined) return { ok: false, error: { kind: 'unknown', option: `--${typed}` } };
      if (!target.endsWith(':')) add(target, '');
      else {
        const value = equals < 0 ? args[++i] : arg.slice(equals + 1);
        if (value === undefined) return { ok: false, error: { kind: 'missing', option: `--${typed}` } };
        add(target.slice(0, -1), value);
      }
      continue;
    }
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at] ?? '';
      const known = letter === ':' ? -1 : spec.short.indexOf(letter);
      if (known < 0) return { ok: false, error: { kind: 'unknown', option: letter } };
      if (spec.short[known + 1] !== ':') {
        add(letter, '');
        continue;
      }
      const value = at + 1 < arg.length ? arg.slice(at + 1) : args[++i];
      if (value === undefined) return { ok: false, error: { kind: 'missing', option: letter } };
      add(letter, value);
      break;
    }
  }
  return {
    ok: true,
    options: {
      has: (name) => found.has(name),
      value: (name) => found.get(name)?.at(-1),
      values: (name) => found.get(name) ?? [],
      count: (name) => found.get(name)?.length ?? 0,
      rest,
    },
  };
}

/** The exact name, or the only one that begins so. */
function findLong(long: Readonly<Record<string, string>>, typed: string): string | undefined {
  if (Object.hasOwn(long, typed)) return long[typed];
  const names = Object.keys(long).filter((name) => typed !== '' && name.startsWith(typed));
  return names.length === 1 ? long[names[0] ?? ''] : undefined;
}

/** glibc's words: `tool: invalid option -- 'z'`. */
export function optionErrorText(tool: string, error: OptionError): string {
  const long = error.option.startsWith('--');
  if (error.kind === 'unknown')
    return long
      ? `${tool}: unrecognized option '${error.option}'`
      : `${tool}: invalid option -- '${error.option}'`;
  return long
    ? `${tool}: option '${error.option}' requires an argument`
    : `${tool}: option requires an argument -- '${error.option}'`;
}
