import type { Rule, TableName } from './iptables-rule.ts';

interface Counters {
  readonly packets: number;
  readonly bytes: number;
}

/** What one command line asks for. Several rules come of a list of addresses. */
export type IptablesOperation =
  | { readonly kind: 'append'; readonly chain: string; readonly rules: readonly ParsedRule[] }
  | { readonly kind: 'check' | 'delete'; readonly chain: string; readonly rules: readonly ParsedRule[] }
  | {
      readonly kind: 'insert' | 'replace';
      readonly chain: string;
      readonly position: number;
      readonly rules: readonly ParsedRule[];
    }
  | { readonly kind: 'delete-number'; readonly chain: string; readonly position: number }
  | {
      readonly kind: 'list' | 'list-rules' | 'zero';
      readonly chain: string | undefined;
      readonly position: number | undefined;
    }
  | { readonly kind: 'flush' | 'delete-chain'; readonly chain: string | undefined }
  | { readonly kind: 'new-chain'; readonly chain: string }
  | { readonly kind: 'rename-chain'; readonly chain: string; readonly name: string }
  | { readonly kind: 'policy'; readonly chain: string; readonly policy: string };

/** A rule, or what the kernel would say to it. */
export type ParsedRule = { readonly rule: Rule } | { readonly kernel: string };

export interface IptablesCommand {
  readonly table: string;
  readonly operation: IptablesOperation;
  readonly counters: Counters | undefined;
  readonly numeric: boolean;
  readonly verbose: boolean;
  readonly exact: boolean;
  readonly lineNumbers: boolean;
}

/** `message` is what follows `iptables v1.8.9 (nf_tables): `; without `prefixed` it stands alone. */
export interface ParseError {
  readonly error: string;
  readonly prefixed: boolean;
}

export const COMMANDS = {
  A: 'append',
  C: 'check',
  D: 'delete',
  I: 'insert',
  R: 'replace',
  L: 'list',
  S: 'list-rules',
  F: 'flush',
  Z: 'zero',
  N: 'new-chain',
  X: 'delete-chain',
  E: 'rename-chain',
  P: 'policy',
} as const;

export type CommandLetter = keyof typeof COMMANDS;

export function isCommand(letter: string): letter is CommandLetter {
  return letter in COMMANDS;
}

/** Short letters of the long options; `required` ones take a value. */
export const LONG_OPTIONS: ReadonlyMap<string, string> = new Map([
  ...Object.entries(COMMANDS).map(([letter, name]) => [name, letter] as const),
  ['source', 's'],
  ['src', 's'],
  ['destination', 'd'],
  ['dst', 'd'],
  ['protocol', 'p'],
  ['proto', 'p'],
  ['in-interface', 'i'],
  ['jump', 'j'],
  ['table', 't'],
  ['match', 'm'],
  ['numeric', 'n'],
  ['out-interface', 'o'],
  ['verbose', 'v'],
  ['wait', 'w'],
  ['wait-interval', 'W'],
  ['exact', 'x'],
  ['fragments', 'f'],
  ['version', 'V'],
  ['help', 'h'],
  ['line-numbers', '0'],
  ['modprobe', 'M'],
  ['set-counters', 'c'],
  ['goto', 'g'],
  ['ipv4', '4'],
  ['ipv6', '6'],
]);

export const WITH_VALUE = 'ACDIRNEPsdpijtmoMcgW';

/** Options that each command refuses (the table of `generic_opt_check`). */
export const ILLEGAL: Record<CommandLetter, string> = {
  A: 'nx0',
  C: 'nx0c',
  D: 'nx0c',
  I: 'nx0',
  R: 'nx0',
  L: 'sdpijoc',
  S: 'sdpijoncx0',
  F: 'sdpijoncx0',
  Z: 'sdpijoncx0',
  N: 'sdpijoncx0',
  X: 'sdpijoncx0',
  E: 'sdpijoncx0',
  P: 'sdpijonx0',
};

export const OPTION_WORDS: Record<string, string> = { n: '-n', x: '-x', '0': '--line-numbers' };

export function tableOf(name: string): TableName | undefined {
  switch (name) {
    case 'raw':
    case 'mangle':
    case 'nat':
    case 'filter':
    case 'security':
      return name;
    default:
      return undefined;
  }
}
