import type { Cursor } from './cursor.ts';
import { parseVerdict } from './elements.ts';
import { SCTP, TCP, UDP } from '../netfilter-flow.ts';
import { headerField } from './expression.ts';
import { parseKey, type Key } from './key.ts';
import { tokenName, type Span, type Token } from './lexer.ts';
import type { RuleContext } from './rule-context.ts';
import type { NftRule, Statement } from './rule.ts';
import { parseCounter, parseQuota } from './statement/counter.ts';
import { parseDynset, parseSetStatement } from './statement/dynset.ts';
import { parseLimit } from './statement/limit.ts';
import { parseLog } from './statement/log.ts';
import { parseMarkSet } from './statement/mark.ts';
import { parseMatch } from './statement/match.ts';
import { parseNat } from './statement/nat.ts';
import { parseReject } from './statement/reject.ts';
import { parseTcpOption } from './statement/tcp-option.ts';
import { parseVmap } from './statement/vmap.ts';

/** Words after which nothing of a rule stands. */
function atEnd(token: Token): boolean {
  return (
    token.kind === 'newline' || token.kind === 'end' || (token.kind === 'symbol' && ';}'.includes(token.text))
  );
}

/** A rule's statements and its comment, up to the end of the line. */
export function parseRule(cursor: Cursor, context: RuleContext): NftRule | undefined {
  const statements: Statement[] = [];
  let comment: string | undefined;
  let terminal: Span | undefined;
  if (atEnd(cursor.peek())) return cursor.unexpected();
  while (!atEnd(cursor.peek())) {
    const start = cursor.peek();
    if (start.text === 'comment' && start.kind === 'string' && statements.length > 0) {
      cursor.next();
      const text = cursor.name();
      if (text === undefined) return undefined;
      comment = text.text;
      break;
    }
    const statement = parseStatement(cursor, context, statements);
    if (statement === undefined) return undefined;
    if (terminal !== undefined)
      return cursor.fail('Statement after terminal statement has no effect', cursor.since(start), terminal);
    if (statement.terminal === true) terminal = start;
    statements.push(statement);
  }
  if (cursor.failed) return undefined;
  return { statements: withoutBare(statements), ...(comment === undefined ? {} : { comment }) };
}

/** `meta l4proto tcp` is not there before what implies it, as nft leaves it out when it lists the rule. */
function withoutBare(statements: readonly Statement[]): Statement[] {
  return statements.filter((statement, i) => {
    const { transport } = statement;
    const next = statements[i + 1]?.transport;
    return !(transport?.bare === true && next?.bare === false && next.protocol === transport.protocol);
  });
}

function parseStatement(
  cursor: Cursor,
  context: RuleContext,
  before: readonly Statement[],
): Statement | undefined {
  const start = cursor.peek();
  const place = {
    start,
    transport: before.some(({ transport }) => transport !== undefined) || manyProtocols(before),
  };
  switch (start.kind === 'string' ? start.text : '') {
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
    case 'jump':
    case 'goto':
      return verdictStatement(cursor, context);
    case 'counter':
      cursor.next();
      return parseCounter(cursor);
    case 'quota':
      cursor.next();
      return parseQuota(cursor);
    case 'limit':
      cursor.next();
      return parseLimit(cursor);
    case 'log':
      cursor.next();
      return parseLog(cursor);
    case 'reject':
      cursor.next();
      return parseReject(cursor, context, start);
    case 'dnat':
    case 'snat':
    case 'masquerade':
    case 'redirect':
      cursor.next();
      return parseNat(cursor, start.text as 'dnat' | 'snat' | 'masquerade' | 'redirect', context, place);
    case 'notrack':
      cursor.next();
      return NOTRACK;
    case 'add':
    case 'update':
    case 'delete':
      cursor.next();
      if (!cursor.is('@')) return cursor.unexpected();
      return parseDynset(cursor, start.text as 'add' | 'update' | 'delete', context, start);
    case 'set':
      cursor.next();
      return parseSetStatement(cursor, context, start);
    case 'queue':
    case 'dup':
    case 'fwd':
    case 'tproxy':
    case 'synproxy':
    case 'flow':
      return cursor.fail('Could not process rule: Operation not supported', start);
    default:
      return parseExpressionStatement(cursor, context, before);
  }
}

function verdictStatement(cursor: Cursor, context: RuleContext): Statement | undefined {
  const verdict = parseVerdict(cursor, context);
  if (verdict === undefined) return undefined;
  const text = 'chain' in verdict ? `${verdict.kind} ${verdict.chain}` : verdict.kind;
  return {
    text: () => text,
    run: () => verdict,
    terminal: true,
    ...('chain' in verdict ? { jumps: [verdict.chain] } : {}),
  };
}

const NOTRACK: Statement = {
  text: () => 'notrack',
  run({ flow }) {
    if (flow.skb.ct === undefined) flow.skb.ctState = 'UNTRACKED';
    return 'next';
  },
  tracks: true,
};

/** A set of protocols says as much as one. */
function manyProtocols(before: readonly Statement[]): boolean {
  return before.some((statement) =>
    /^(?:meta l4proto|ip protocol|ip6 nexthdr) \{/.test(statement.text({ stateless: true })),
  );
}

/** A match, a verdict map, or `meta mark set`. */
function parseExpressionStatement(
  cursor: Cursor,
  context: RuleContext,
  before: readonly Statement[],
): Statement | undefined {
  const start = cursor.peek();
  if (start.kind !== 'string') return cursor.unexpected();
  if (start.text === 'tcp' && cursor.peek(1).text === 'option') return parseTcpOption(cursor);
  const mark = markTarget(cursor);
  if (mark !== undefined) {
    const set = mark.length;
    if (cursor.peek(set).text === 'set') {
      for (let i = 0; i <= set; i++) cursor.next();
      return parseMarkSet(cursor, mark.target, context);
    }
  }
  const key = parseKey(cursor, context);
  if (key === undefined) return cursor.failed ? undefined : noSuchWord(cursor, start);
  if (cursor.take('vmap')) return parseVmap(cursor, key, context);
  if (cursor.is('map')) return cursor.unexpected();
  return parseMatch(cursor, ofTransport(key, before), context);
}

/** `mark`, `meta mark`, `ct mark`: what may be set, and of how many words it is. */
function markTarget(
  cursor: Cursor,
): { readonly target: 'meta mark' | 'ct mark'; readonly length: 1 | 2 } | undefined {
  if (cursor.is('mark')) return { target: 'meta mark', length: 1 };
  if (cursor.is('meta') && cursor.peek(1).text === 'mark') return { target: 'meta mark', length: 2 };
  if (cursor.is('ct') && cursor.peek(1).text === 'mark') return { target: 'ct mark', length: 2 };
  return undefined;
}

/** `th dport` behind `meta l4proto tcp` is `tcp dport`. */
function ofTransport(key: Key, before: readonly Statement[]): Key {
  const known = before[before.length - 1]?.transport;
  const header = known?.bare === true ? TRANSPORT_HEADERS.get(known.protocol) : undefined;
  if (header === undefined) return key;
  const expressions = key.expressions.map((expression) => {
    const [word, field = ''] = expression.text.split(' ');
    return (word === 'th' ? headerField(header, field) : undefined) ?? expression;
  });
  return { ...key, expressions, text: expressions.map(({ text }) => text).join(' . ') };
}

const TRANSPORT_HEADERS: ReadonlyMap<number, string> = new Map([
  [TCP, 'tcp'],
  [UDP, 'udp'],
  [SCTP, 'sctp'],
]);

/** A word that is no expression: nft takes it for a symbol and misses what it is compared with. */
function noSuchWord(cursor: Cursor, word: Token): undefined {
  if (tokenName(word) !== 'string') {
    cursor.at--;
    return cursor.unexpected();
  }
  if (atEnd(cursor.peek())) return cursor.unexpected();
  return cursor.fail('No symbol type information', word);
}
