import { httpDate } from '../apps/date.ts';
import { encode, headerOf, keepsAlive, reasonOf } from '../apps/http.ts';
import type { HttpRequest } from '../apps/http.ts';
import type { Connection } from '../apps/server.ts';
import type { HttpResponse } from '../shell/http.ts';

/** What nginx answers: its own page, a redirect, or what an upstream said. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
  /** Without a length of its own the body is sent in chunks. */
  readonly chunked?: boolean;
}

/** Headers of one connection, and those that nginx says itself. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'date',
  'server',
]);

/** The answer to this request as bytes; `HEAD` gets the headers alone, what was no request is answered and closed. */
export function encodeAnswer(answer: Answer, request: HttpRequest | undefined, now: number): Uint8Array {
  const close = request === undefined || !keepsAlive(request);
  const own = (name: string): string | undefined =>
    answer.headers.find(([key]) => key.toLowerCase() === name)?.[1];
  const rest = answer.headers.filter(([name]) => !/^content-(type|length)$/i.test(name));
  const length = answer.chunked === true ? undefined : (own('content-length') ?? String(answer.body.length));
  const type = own('content-type');
  const lines = [
    `HTTP/1.1 ${answer.status} ${nginxReason(answer.status)}`,
    `Date: ${httpDate(now)}`,
    ...(type === undefined ? [] : [`Content-Type: ${type}`]),
    ...(length === undefined ? ['Transfer-Encoding: chunked'] : [`Content-Length: ${length}`]),
    `Connection: ${close ? 'close' : 'keep-alive'}`,
    ...rest.map(([name, value]) => `${name}: ${value}`),
  ];
  const head = encode(`${lines.join('\r\n')}\r\n\r\n`);
  if (request?.method === 'HEAD' || answer.status === 204 || answer.status === 304) return head;
  const { body } = answer;
  if (answer.chunked !== true) return concat(head, body);
  const chunk = body.length === 0 ? [] : [encode(`${body.length.toString(16)}\r\n`), body, encode('\r\n')];
  return concat(head, ...chunk, encode('0\r\n\r\n'));
}

/** What nginx sets for the backend (nginx.tmpl), then what the client said. */
export function upstreamHeaders(
  request: HttpRequest,
  { peer, local }: Connection,
  id: string,
): readonly (readonly [string, string])[] {
  const host = headerOf(request, 'host') ?? '';
  const forwarded = headerOf(request, 'x-forwarded-for');
  const set: readonly (readonly [string, string])[] = [
    ['Host', host],
    ['X-Request-ID', id],
    ['X-Real-IP', peer.ip],
    ['X-Forwarded-For', peer.ip],
    ['X-Forwarded-Host', host],
    ['X-Forwarded-Port', String(local.port)],
    ['X-Forwarded-Proto', 'http'],
    ['X-Forwarded-Scheme', 'http'],
    ['X-Scheme', 'http'],
    ...(forwarded === undefined ? [] : [['X-Original-Forwarded-For', forwarded] as const]),
  ];
  const names = new Set([
    ...set.map(([name]) => name.toLowerCase()),
    ...HOP_BY_HOP,
    'content-length',
    'expect',
  ]);
  const own = request.headers.filter(([name]) => !names.has(name.toLowerCase()));
  const length: readonly (readonly [string, string])[] =
    request.bodyLength > 0 ? [['Content-Length', String(request.body.length)]] : [];
  return [...set, ...length, ...own];
}

export function passOn(response: HttpResponse): Answer {
  const headers = response.headers.filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase()));
  const measured = headers.some(([name]) => name.toLowerCase() === 'content-length');
  return { status: response.status, headers, body: response.body, ...(measured ? {} : { chunked: true }) };
}

export function page(status: number): Answer {
  const title = `${status} ${nginxReason(status)}`;
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;
  return { status, headers: [['Content-Type', 'text/html']], body: encode(body) };
}

export function redirect(to: string): Answer {
  const answer = page(308);
  return { ...answer, headers: [...answer.headers, ['Location', to]] };
}

/** nginx has its own words for some (ngx_http_header_filter_module.c). */
function nginxReason(status: number): string {
  switch (status) {
    case 503:
      return 'Service Temporarily Unavailable';
    case 504:
      return 'Gateway Time-out';
    default:
      return reasonOf(status);
  }
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
