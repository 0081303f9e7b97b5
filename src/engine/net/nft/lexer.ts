import { parseIp } from '../address.ts';

/** A place in the input, in UTF-16 units from its start. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Token extends Span {
  readonly kind: 'string' | 'number' | 'quoted' | 'asterisk' | 'symbol' | 'newline' | 'junk' | 'end';
  /** Of a quoted string what is between the quotes. */
  readonly text: string;
}

const SYMBOLS = ['==', '!=', '<=', '>=', '<<', '>>', ...'{}()[],;:./-+=<>&|^@$*!'];

/** Words that are tokens of their own: a syntax error names them, and not as `string`. */
const KEYWORDS = new Set(
  `accept add all and bytes chain comment continue counter create ct daddr define delete dnat drop element export fib  flags
  flush get goto handle hook icmp icmpv6 icmpx iif iifname import index inet insert ip ip6 jump limit list log map mark masquerade meta
  monitor notrack numgen oif oifname over packets policy position priority quota random redirect reject rename replace reset
  return rule ruleset saddr set snat table tcp th timeout to type typeof udp update vmap with`.split(/\s+/),
);

/** The words of nft's scanner: strings hold letters, digits, `/`, `-`, `_` and `.`; addresses are one word. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const push = (kind: Token['kind'], end: number, value = text.slice(at, end)): void => {
    tokens.push({ kind, text: value, start: at, end });
    at = end;
  };
  while (at < text.length) {
    const rest = text.slice(at, at + 300);
    const char = rest[0] ?? '';
    if (char === '\n') push('newline', at + 1);
    else if (/\s/.test(char)) at++;
    else if (char === '\\' && rest[1] === '\n') at += 2;
    else if (char === '#') at += /^[^\n]*/.exec(text.slice(at))?.[0].length ?? 1;
    else if (char === '"') {
      const end = text.indexOf('"', at + 1);
      if (end < 0) push('junk', at + 1);
      else push('quoted', end + 1, text.slice(at + 1, end));
    } else {
      const word = wordAt(rest);
      if (word !== undefined) push(word.kind, at + word.length);
      else {
        const symbol = SYMBOLS.find((candidate) => rest.startsWith(candidate));
        push(symbol === undefined ? 'junk' : 'symbol', at + (symbol?.length ?? 1));
      }
    }
  }
  tokens.push({ kind: 'end', text: '', start: text.length, end: text.length + 1 });
  return tokens;
}

function wordAt(
  rest: string,
): { readonly kind: 'string' | 'number' | 'asterisk'; readonly length: number } | undefined {
  const colons = /^[0-9a-fA-F:]*:[0-9a-fA-F:.]*/.exec(rest)?.[0];
  if (colons !== undefined && colons.length > 1) {
    const address = /^(?:[0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}$/.test(colons)
      ? colons
      : parseIp(colons) === undefined
        ? undefined
        : colons;
    if (address !== undefined) return { kind: 'string', length: address.length };
  }
  const dotted = /^\d{1,3}(?:\.\d{1,3}){3}(?![\w.])/.exec(rest)?.[0];
  if (dotted !== undefined) return { kind: 'string', length: dotted.length };
  const time = /^(?:\d+(?:d|h|ms|m|s))+(?![\w])/.exec(rest)?.[0];
  if (time !== undefined) return { kind: 'string', length: time.length };
  const number = /^(?:0[xX][0-9a-fA-F]+|\d+)(?![\w])/.exec(rest)?.[0];
  if (number !== undefined) return { kind: 'number', length: number.length };
  const string = /^[A-Za-z_.][A-Za-z0-9/_.\\-]*/.exec(rest)?.[0];
  if (string === undefined || string === '.') return undefined;
  if (rest[string.length] === '*') return { kind: 'asterisk', length: string.length + 1 };
  return { kind: 'string', length: string.length };
}

/** How a syntax error names a token. */
export function tokenName(token: Token): string {
  switch (token.kind) {
    case 'newline':
      return 'newline';
    case 'end':
      return 'end of file';
    case 'number':
      return 'number';
    case 'quoted':
      return 'quoted string';
    case 'asterisk':
      return 'string with a trailing asterisk';
    case 'junk':
      return 'junk';
    case 'string':
      return KEYWORDS.has(token.text) ? token.text : 'string';
    case 'symbol':
      return SYMBOL_NAMES.get(token.text) ?? token.text;
  }
}

const SYMBOL_NAMES: ReadonlyMap<string, string> = new Map([
  ['{', "'{'"],
  ['}', "'}'"],
  ['(', "'('"],
  [')', "')'"],
  ['[', "'['"],
  [']', "']'"],
  [',', 'comma'],
  [';', 'semicolon'],
  [':', 'colon'],
  ['=', "'='"],
  ['$', "'$'"],
  ['!', "'!'"],
]);
