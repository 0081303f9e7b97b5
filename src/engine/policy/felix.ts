import type { IptablesFamily } from '../net/iptables-rule.ts';
import { base64url, sha224, sha256 } from '../proxy/sha256.ts';

/** A rule as Felix renders it: long option names, its own words for marks. */
export interface FelixRule {
  readonly comments?: readonly string[];
  /** `-m mark --mark 0/0x20000`; absent: every packet. */
  readonly match?: string;
  /** `--jump ACCEPT`; absent: the rule only carries its comment. */
  readonly action?: string;
}

/** The bits of the packet mark that Felix owns (`IptablesMarkMask` 0xffff0000, handed out from the lowest). */
export const MARK = {
  accept: '0x10000',
  pass: '0x20000',
  /** Both: what policies say. */
  verdict: '0x30000',
  scratch: '0x40000',
  all: '0xf0000',
} as const;

export const ACCEPTED = `-m mark --mark ${MARK.accept}/${MARK.accept}`;
export const PASSED = `-m mark --mark ${MARK.pass}/${MARK.pass}`;

export function setMark(mark: string): string {
  return `--jump MARK --set-mark ${mark}/${mark}`;
}

export function clearMark(mark: string): string {
  return `--jump MARK --set-mark 0/${mark}`;
}

const HASH_LENGTH = 16;

/**
 * The rows of a chain for iptables-restore. Each begins with a comment that is a hash over the chain's name, all rows
 * before it and itself, so that Felix sees a stranger's change (felix/generictables/rules.go, RuleHashes).
 */
export function renderChain(chain: string, rules: readonly FelixRule[]): readonly string[] {
  const encoder = new TextEncoder();
  let hash = sha224(encoder.encode(chain));
  return rules.map((rule) => {
    const body = renderRule(rule);
    const text = encoder.encode(`-A ${chain} HASH${body === '' ? '' : ` ${body}`}`);
    const input = new Uint8Array(hash.length + text.length);
    input.set(hash);
    input.set(text, hash.length);
    hash = sha224(input);
    return `-m comment --comment "cali:${base64url(hash, HASH_LENGTH)}"${body === '' ? '' : ` ${body}`}`;
  });
}

function renderRule({ comments = [], match, action }: FelixRule): string {
  const parts = comments.map((comment) => `-m comment --comment "${comment}"`);
  if (match !== undefined) parts.push(match);
  if (action !== undefined) parts.push(action);
  return parts.join(' ');
}

const MAX_CHAIN_NAME = 28;
const MAX_SET_NAME = 31;

/** `cali-pi-` and the policy's name, or a hash of it when that is too long (`GetLengthLimitedID`). */
export function chainName(prefix: string, name: string): string {
  if (
    prefix.length + name.length < MAX_CHAIN_NAME ||
    (prefix.length + name.length === MAX_CHAIN_NAME && !name.startsWith('_'))
  ) {
    return prefix + name;
  }
  return `${prefix}_${base64url(sha256(name), MAX_CHAIN_NAME - 1 - prefix.length)}`;
}

/** `cali40s:…`, of IPv6 `cali60s:…`: the addresses that a selector picks; `n` instead of `s` for a named port's. */
export function setName(family: IptablesFamily, kind: 's' | 'n', text: string): string {
  const prefix = `cali${family === 'ipv4' ? 4 : 6}0${kind}:`;
  return prefix + base64url(sha224(new TextEncoder().encode(text)), MAX_SET_NAME - prefix.length);
}
