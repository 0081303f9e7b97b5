import { tokenize, tokenName, type Span, type Token } from './lexer.ts';

/** What is wrong with an input, and where. */
export interface NftFailure {
  readonly message: string;
  readonly span: Span;
  /** What it does not go with: marked with `~`. */
  readonly also?: Span | undefined;
}

/** Reads tokens one after the other. After a failure nothing more is read, so that the first one is told. */
export class Cursor {
  tokens: readonly Token[];
  at = 0;
  failure: NftFailure | undefined;

  constructor(text: string) {
    this.tokens = tokenize(text);
  }

  peek(ahead = 0): Token {
    const last = this.tokens[this.tokens.length - 1] ?? END;
    if (this.failure !== undefined) return last;
    return this.tokens[this.at + ahead] ?? last;
  }

  next(): Token {
    const token = this.peek();
    if (this.failure === undefined) this.at++;
    return token;
  }

  /** Whether the next token is that word or symbol. */
  is(...texts: readonly string[]): boolean {
    const token = this.peek();
    return (token.kind === 'string' || token.kind === 'symbol') && texts.includes(token.text);
  }

  /** Takes the word or symbol when it is the next. */
  take(text: string): boolean {
    if (!this.is(text)) return false;
    this.next();
    return true;
  }

  /** The span from a token to the last one taken. */
  since(start: Span): Span {
    const last = this.tokens[this.at - 1];
    return { start: start.start, end: Math.max(start.end, last?.end ?? 0) };
  }

  fail(message: string, span: Span, also?: Span): undefined {
    this.failure ??= { message, span, also };
    return undefined;
  }

  unexpected(expecting = ''): undefined {
    const token = this.peek();
    return this.fail(
      `syntax error, unexpected ${tokenName(token)}${expecting === '' ? '' : `, expecting ${expecting}`}`,
      token,
    );
  }

  expect(text: string, expecting?: string): boolean {
    if (this.take(text)) return true;
    this.unexpected(expecting);
    return false;
  }

  /** A word that may be a name: none of nft's own. */
  word(expecting = 'string'): Token | undefined {
    if (tokenName(this.peek()) === 'string') return this.next();
    return this.unexpected(expecting);
  }

  /** Any word. */
  anyWord(expecting = 'string'): Token | undefined {
    if (this.peek().kind === 'string') return this.next();
    return this.unexpected(expecting);
  }

  /** A name in quotes or without. */
  name(): Token | undefined {
    const { kind } = this.peek();
    if (kind === 'string' || kind === 'quoted' || kind === 'asterisk') return this.next();
    return this.unexpected('string or quoted string or string with a trailing asterisk');
  }

  number(): number | undefined {
    if (this.peek().kind !== 'number') return this.unexpected('number');
    return Number(this.next().text);
  }

  /** From here on `$NAME` stands for those tokens. */
  define(name: string, value: readonly Token[]): void {
    const rest: Token[] = [];
    for (let i = this.at; i < this.tokens.length; i++) {
      const token = this.tokens[i] ?? END;
      const named = token.kind === 'symbol' && token.text === '$' ? this.tokens[i + 1] : undefined;
      if (named?.text === name) {
        rest.push(...value.map((part) => ({ ...part, start: token.start, end: named.end })));
        i++;
      } else rest.push(token);
    }
    this.tokens = [...this.tokens.slice(0, this.at), ...rest];
  }

  get failed(): boolean {
    return this.failure !== undefined;
  }
}

const END: Token = { kind: 'end', text: '', start: 0, end: 1 };
