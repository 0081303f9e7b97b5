import type { Errno } from '../net/errno.ts';
import type { Task } from '../net/task.ts';
import type { TcpConnection } from '../net/tcp-connection.ts';

/** A client's half of HTTP/1.1 (RFC 9112). */
export interface HttpRequest {
  readonly method: string;
  readonly target: string;
  /** In order; `Host` and the rest are the caller's. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

export interface HttpResponse {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

export type HttpOutcome =
  | { readonly kind: 'response'; readonly response: HttpResponse; readonly keepAlive: boolean }
  /** The server closed before it had said anything. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'error'; readonly errno: Errno }
  /** What came is no HTTP. */
  | { readonly kind: 'malformed'; readonly data: Uint8Array }
  | { readonly kind: 'timeout'; readonly received: number; readonly expected: number | undefined }
  /** The stream ended before the body was whole. */
  | { readonly kind: 'partial'; readonly response: HttpResponse; readonly missing: number };

/** A body longer than this is not kept. */
const MAX_BODY = 4_000_000;

export function encodeRequest({ method, target, headers, body }: HttpRequest): Uint8Array {
  const head = new TextEncoder().encode(
    `${method} ${target} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  );
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

export function header(
  { headers }: { readonly headers: readonly (readonly [string, string])[] },
  name: string,
): string | undefined {
  const wanted = name.toLowerCase();
  return headers.find(([key]) => key.toLowerCase() === wanted)?.[1];
}

/** Sends a request over an open connection and reads what comes back until `deadline` (virtual time). */
export function* exchange(socket: TcpConnection, request: HttpRequest, deadline: number): Task<HttpOutcome> {
  const { world } = socket.ns;
  socket.write(encodeRequest(request));
  const reader = new ResponseReader(request.method === 'HEAD');
  for (;;) {
    const left = deadline - world.now;
    const result = left > 0 ? yield* socket.read(left) : ({ kind: 'timeout' } as const);
    switch (result.kind) {
      case 'data':
        reader.push(result.data);
        break;
      case 'eof':
        return reader.finish();
      case 'error':
        return { kind: 'error', errno: result.errno };
      case 'timeout':
        return { kind: 'timeout', received: reader.received, expected: reader.expected };
    }
    if (reader.malformed) return { kind: 'malformed', data: result.data };
    if (reader.whole) return { kind: 'response', response: reader.response(), keepAlive: reader.keepAlive };
  }
}

/** Bytes in, one response out. */
class ResponseReader {
  malformed = false;
  whole = false;
  received = 0;
  expected: number | undefined;
  readonly #noBody: boolean;
  #head: Uint8Array | undefined = new Uint8Array(0);
  #version = '1.1';
  #status = 0;
  #reason = '';
  #headers: (readonly [string, string])[] = [];
  #chunks: Uint8Array[] = [];
  #chunked = false;
  #pending = new Uint8Array(0);

  constructor(noBody: boolean) {
    this.#noBody = noBody;
  }

  get keepAlive(): boolean {
    const connection = header({ headers: this.#headers }, 'Connection')?.toLowerCase();
    return this.#version === '1.1' ? connection !== 'close' : connection === 'keep-alive';
  }

  push(data: Uint8Array): void {
    if (this.#head === undefined) {
      this.#body(data);
      return;
    }
    this.#head = join(this.#head, data);
    const text = latin1(this.#head);
    if (text.length >= 7 && !text.startsWith('HTTP/1.')) {
      this.malformed = true;
      return;
    }
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) {
      if (text.length > 65_536) this.malformed = true;
      return;
    }
    const rest = this.#head.subarray(end + 4);
    this.#parseHead(text.slice(0, end));
    if (this.#status >= 100 && this.#status < 200) {
      this.#head = new Uint8Array(0);
      if (rest.length > 0) this.push(rest);
      return;
    }
    this.#head = undefined;
    this.#chunked = /chunked/i.test(header({ headers: this.#headers }, 'Transfer-Encoding') ?? '');
    const length = header({ headers: this.#headers }, 'Content-Length');
    this.expected = this.#chunked || length === undefined ? undefined : Number(length);
    if (this.#noBody || this.#status === 204 || this.#status === 304 || this.expected === 0)
      this.whole = true;
    else if (rest.length > 0) this.#body(rest);
  }

  finish(): HttpOutcome {
    if (this.#head !== undefined)
      return this.#head.length === 0 ? { kind: 'empty' } : { kind: 'malformed', data: this.#head };
    const missing = this.expected === undefined ? 0 : this.expected - this.received;
    if (missing > 0 || (this.#chunked && !this.whole))
      return { kind: 'partial', response: this.response(), missing };
    return { kind: 'response', response: this.response(), keepAlive: false };
  }

  response(): HttpResponse {
    return {
      version: this.#version,
      status: this.#status,
      reason: this.#reason,
      headers: this.#headers,
      body: this.#chunks.reduce(join, new Uint8Array(0)),
    };
  }

  #parseHead(text: string): void {
    const [first = '', ...lines] = text.split('\r\n');
    const status = /^HTTP\/(1\.\d) (\d{3})(?: (.*))?$/.exec(first);
    if (status === null) {
      this.malformed = true;
      return;
    }
    [this.#version, this.#status, this.#reason] = [status[1] ?? '1.1', Number(status[2]), status[3] ?? ''];
    this.#headers = lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()] as const];
    });
  }

  #body(data: Uint8Array): void {
    if (!this.#chunked) {
      const take = this.expected === undefined ? data : data.subarray(0, this.expected - this.received);
      this.#keep(take);
      if (this.expected !== undefined && this.received >= this.expected) this.whole = true;
      return;
    }
    this.#pending = join(this.#pending, data);
    while (!this.whole) {
      const text = latin1(this.#pending.subarray(0, 32));
      const newline = text.indexOf('\r\n');
      if (newline < 0) return;
      const size = parseInt(text, 16);
      if (Number.isNaN(size)) {
        this.malformed = true;
        return;
      }
      if (this.#pending.length < newline + 4 + size) return;
      this.#keep(this.#pending.subarray(newline + 2, newline + 2 + size));
      this.#pending = this.#pending.slice(newline + 4 + size);
      if (size === 0) this.whole = true;
    }
  }

  #keep(data: Uint8Array): void {
    if (this.received < MAX_BODY) this.#chunks.push(data);
    this.received += data.length;
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}

export interface Url {
  readonly scheme: string;
  readonly user: string | undefined;
  readonly host: string;
  readonly port: number;
  /** Whether the port was written. */
  readonly portGiven: boolean;
  /** Path and query. */
  readonly target: string;
}

/** `http` unless written; `undefined` parts are refused with the word that says which. */
export function parseUrl(text: string): Url | { readonly refused: 'host' | 'port' | 'syntax' } {
  const found =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?(?:([^@/?#]*)@)?(\[[0-9A-Fa-f:.%a-z]*\]|[^:/?#]*)(?::([^/?#]*))?([^#]*)/.exec(
      text,
    );
  if (found === null || /\s/.test(text)) return { refused: 'syntax' };
  const [, scheme = 'http', user, host = '', port, rest = ''] = found;
  if (host === '') return { refused: 'host' };
  if (port !== undefined && port !== '' && !(/^\d{1,5}$/.test(port) && Number(port) < 65536))
    return { refused: 'port' };
  const given = port !== undefined && port !== '';
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  return {
    scheme: scheme.toLowerCase(),
    user,
    host,
    port: given ? Number(port) : scheme.toLowerCase() === 'https' ? 443 : 80,
    portGiven: given,
    target: path,
  };
}
