import type { IptablesFamily, Match, Target, TableName } from './iptables-rule.ts';

/** One long option of a match or target. */
export interface OptionSpec {
  readonly name: string;
  readonly argument: 'none' | 'required' | 'optional';
  readonly invertible?: true;
  /** Another spelling of it: `dport` for `destination-port`. */
  readonly alias?: string;
  /** What is refused as soon as it is read, before the rest of the line: so `-p` must come first. */
  readonly check?: (value: string, protocol: RuleContext['protocol']) => string | undefined;
}

/** An option as it was given. */
export interface OptionValue {
  readonly value: string;
  readonly invert: boolean;
}

export type GivenOptions = ReadonlyMap<string, OptionValue>;

/** What else of the rule an extension may look at. */
export interface RuleContext {
  readonly family: IptablesFamily;
  readonly table: TableName;
  readonly chain: string;
  readonly protocol: { readonly number: number; readonly invert: boolean } | undefined;
  /** Whether an ipset of that name exists. */
  readonly setExists: (name: string) => boolean;
}

/** The text of an error after `iptables v1.8.9 (nf_tables): `, or what the kernel would refuse with EINVAL. */
export type ExtensionError = { readonly error: string } | { readonly kernel: string };

export interface MatchExtension {
  readonly name: string;
  readonly families?: readonly IptablesFamily[];
  readonly options: readonly OptionSpec[];
  readonly create: (given: GivenOptions, context: RuleContext) => Match | ExtensionError;
}

export interface TargetExtension {
  readonly name: string;
  readonly families?: readonly IptablesFamily[];
  readonly options: readonly OptionSpec[];
  readonly create: (given: GivenOptions, context: RuleContext) => Target | ExtensionError;
}

export function isError<T extends object>(value: T | ExtensionError): value is ExtensionError {
  return 'error' in value || 'kernel' in value;
}

export function mustSpecify(extension: string, option: string): ExtensionError {
  return { error: `${extension}: option "--${option}" must be specified\n` };
}

export function badInteger(extension: string, option: string): ExtensionError {
  return { error: `${extension}: bad integer value for option "--${option}", or out of range.\n` };
}

/** ` !` before an option that was inverted. */
export function bang(option: { readonly invert: boolean }): string {
  return option.invert ? ' !' : '';
}
