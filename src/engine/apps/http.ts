/** Just enough of HTTP/1.1 (RFC 9112) to serve: requests out of a byte stream, responses into one. */

export interface HttpRequest {
  readonly method: string;
  /** As it was sent: path and query. */
  readonly target: string;
  readonly version: string;
  /** In order, names as they were sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  readonly bodyLength: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | Uint8Array;
  /** Without it the length of the body stands in `Content-Length`. */
  readonly close?: boolean;
}

export type HttpEvent =
  | { readonly kind: 'request'; readonly request: HttpRequest }
  /** `Expect: 100-continue` (RFC 9110, 10.1.1): curl waits for the word before it sends a large body. */
  | { readonly kind: 'continue' }
  | { readonly kind: 'error'; readonly status: 400 | 413 | 431 };

const MAX_HEAD = 16_384;
/** Bodies are counted to the end, but no more than this of them is kept. */
const MAX_KEPT_BODY = 65_536;

export function headerOf({ headers }: Pick<HttpRequest, 'headers'>, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return headers.find(([key]) => key.toLowerCase() === wanted)?.[1];
}

/** Bytes in, requests out. */
export class HttpReader {
  #head = '';
  #pending: Omit<HttpRequest, 'body' | 'bodyLength'> | undefined;
  #left = 0;
  #chunked = false;
  #chunkHead: string | undefined;
  #kept: number[] = [];
  #received = 0;
  #failed = false;

  push(bytes: Uint8Array): HttpEvent[] {
    const events: HttpEvent[] = [];
    let at = 0;
    while (at < bytes.length && !this.#failed) {
      if (this.#pending === undefined) at = this.#readHead(bytes, at, events);
      else if (this.#chunked) at = this.#readChunk(bytes, at, events);
      else at = this.#readBody(bytes, at, events);
    }
    return events;
  }

  #readHead(bytes: Uint8Array, from: number, events: HttpEvent[]): number {
    let at = from;
    while (at < bytes.length) {
      this.#head += String.fromCharCode(bytes[at++] ?? 0);
      if (this.#head === '\r\n' || this.#head === '\n') this.#head = '';
      if (this.#head.endsWith('\n\n') || this.#head.endsWith('\n\r\n')) break;
      if (this.#head.length > MAX_HEAD) return this.#fail(431, events, bytes);
      if (at === bytes.length) return at;
    }
    if (!this.#head.endsWith('\n')) return at;
    const [line = '', ...lines] = this.#head.split(/\r?\n/);
    this.#head = '';
    const parts = /^([A-Za-z]+) (\S+) (HTTP\/1\.[01])$/.exec(line);
    if (parts === null) return this.#fail(400, events, bytes);
    const headers: (readonly [string, string])[] = [];
    for (const text of lines) {
      if (text === '') continue;
      const colon = text.indexOf(':');
      if (colon <= 0) return this.#fail(400, events, bytes);
      headers.push([text.slice(0, colon), text.slice(colon + 1).trim()]);
    }
    this.#pending = { method: parts[1] ?? '', target: parts[2] ?? '', version: parts[3] ?? '', headers };
    this.#kept = [];
    this.#received = 0;
    this.#chunkHead = undefined;
    this.#chunked = headerOf(this.#pending, 'transfer-encoding')?.toLowerCase() === 'chunked';
    const length = headerOf(this.#pending, 'content-length');
    if (length !== undefined && !/^\d{1,15}$/.test(length)) return this.#fail(400, events, bytes);
    this.#left = this.#chunked ? 0 : Number(length ?? 0);
    if (headerOf(this.#pending, 'expect')?.toLowerCase() === '100-continue')
      events.push({ kind: 'continue' });
    if (!this.#chunked && this.#left === 0) this.#finish(events);
    return at;
  }

  #readBody(bytes: Uint8Array, from: number, events: HttpEvent[]): number {
    const taken = Math.min(this.#left, bytes.length - from);
    this.#keep(bytes.subarray(from, from + taken));
    this.#left -= taken;
    if (this.#left === 0) this.#finish(events);
    return from + taken;
  }

  #readChunk(bytes: Uint8Array, from: number, events: HttpEvent[]): number {
    if (this.#left > 0) {
      const taken = Math.min(this.#left, bytes.length - from);
      this.#keep(bytes.subarray(from, from + Math.max(0, taken)));
      this.#left -= taken;
      return from + taken;
    }
    let at = from;
    let line = this.#chunkHead ?? '';
    while (at < bytes.length) {
      const letter = String.fromCharCode(bytes[at++] ?? 0);
      line += letter;
      if (letter === '\n') break;
      if (line.length > 1000) return this.#fail(400, events, bytes);
    }
    if (!line.endsWith('\n')) {
      this.#chunkHead = line;
      return at;
    }
    this.#chunkHead = undefined;
    const text = line.trim();
    if (text === '') {
      if (this.#left < 0) this.#finish(events);
      return at;
    }
    if (this.#left < 0) return at;
    const size = /^([0-9a-f]{1,8})(;.*)?$/i.exec(text);
    if (size === null) return this.#fail(400, events, bytes);
    this.#left = parseInt(size[1] ?? '0', 16);
    // The empty chunk is the last; trailers may follow it up to an empty line.
    if (this.#left === 0) this.#left = -1;
    return at;
  }

  #keep(bytes: Uint8Array): void {
    this.#received += bytes.length;
    for (const byte of bytes) {
      if (this.#kept.length >= MAX_KEPT_BODY) break;
      this.#kept.push(byte);
    }
  }

  #finish(events: HttpEvent[]): void {
    if (this.#pending === undefined) return;
    events.push({
      kind: 'request',
      request: { ...this.#pending, body: Uint8Array.from(this.#kept), bodyLength: this.#received },
    });
    this.#pending = undefined;
    this.#chunked = false;
  }

  #fail(status: 400 | 431, events: HttpEvent[], bytes: Uint8Array): number {
    this.#failed = true;
    events.push({ kind: 'error', status });
    return bytes.length;
  }
}

const reasons: Readonly<Record<number, string>> = {
  100: 'Continue',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  418: "I'm a teapot",
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

export function reasonOf(status: number): string {
  return reasons[status] ?? 'Unknown';
}

/** The response to this request as bytes; `HEAD` gets the headers alone. */
export function encodeResponse(response: HttpResponse, request: HttpRequest | undefined): Uint8Array {
  const body = typeof response.body === 'string' ? encode(response.body) : response.body;
  const lines = [`HTTP/1.1 ${response.status} ${reasonOf(response.status)}`];
  for (const [name, value] of response.headers) lines.push(`${name}: ${value}`);
  const named = response.headers.some(([name]) => name.toLowerCase() === 'content-length');
  if (!named && response.status !== 204 && response.status !== 304 && response.status >= 200)
    lines.push(`Content-Length: ${body.length}`);
  const head = encode(`${lines.join('\r\n')}\r\n\r\n`);
  if (request?.method === 'HEAD') return head;
  const whole = new Uint8Array(head.length + body.length);
  whole.set(head);
  whole.set(body, head.length);
  return whole;
}

/** Whether the connection stays open after the response (RFC 9112, 9.3). */
export function keepsAlive(request: HttpRequest): boolean {
  const connection = headerOf(request, 'connection')?.toLowerCase();
  return request.version === 'HTTP/1.0' ? connection === 'keep-alive' : connection !== 'close';
}

export function pathOf(request: Pick<HttpRequest, 'target'>): string {
  return decode(request.target.split(/[?#]/)[0] ?? '/');
}

export function queryOf(request: Pick<HttpRequest, 'target'>): Map<string, string> {
  const out = new Map<string, string>();
  const text = request.target.split('#')[0]?.split('?').slice(1).join('?') ?? '';
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const [name = '', ...value] = pair.split('=');
    const key = decode(name.replaceAll('+', ' '));
    if (!out.has(key)) out.set(key, decode(value.join('=').replaceAll('+', ' ')));
  }
  return out;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** `X-Forwarded-For`, however it was sent: Go's textproto.CanonicalMIMEHeaderKey. */
export function canonicalHeader(name: string): string {
  return name
    .split('-')
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1).toLowerCase())
    .join('-');
}
