import { httpDate } from './date.ts';
import { goServer } from './go-server.ts';
import { canonicalHeader, headerOf, pathOf, queryOf, text } from './http.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { httpListener } from './server.ts';
import type { Connection, Program, ProgramContext } from './server.ts';

/** `kennethreitz/httpbin` in small: `/get`, `/ip`, `/headers`, `/user-agent`, `/status/N`, `/anything`. */
export function httpbin(context: ProgramContext): Program {
  const handle = (request: HttpRequest, connection: Connection): HttpResponse => {
    const path = pathOf(request);
    const headers = Object.fromEntries(
      request.headers.map(([name, value]) => [canonicalHeader(name), value]),
    );
    const url = `http://${headerOf(request, 'host') ?? ''}${request.target}`;
    const origin = connection.peer.ip;
    const args = Object.fromEntries(queryOf(request));
    const status = /^\/status\/(\d{3})$/.exec(path);
    const json = (value: unknown): HttpResponse =>
      reply(200, 'application/json', `${JSON.stringify(value, undefined, 2)}\n`);
    if (status !== null) return reply(Number(status[1]), 'text/html; charset=utf-8', '');
    if (path === '/get' || path === '/') return json({ args, headers, origin, url });
    if (path === '/ip') return json({ origin });
    if (path === '/headers') return json({ headers });
    if (path === '/user-agent') return json({ 'user-agent': headerOf(request, 'user-agent') ?? null });
    if (path === '/anything' || path === '/post')
      return json({ args, data: text(request.body), headers, method: request.method, origin, url });
    return reply(404, 'text/html', '<title>404 Not Found</title>\n<h1>Not Found</h1>\n');
  };
  const reply = (status: number, type: string, body: string): HttpResponse => ({
    status,
    headers: [
      ['Server', 'gunicorn/19.9.0'],
      ['Date', httpDate(context.now())],
      ['Connection', 'keep-alive'],
      ['Content-Type', type],
    ],
    body,
  });
  return goServer('gunicorn', [httpListener({ port: 80, handle })], [`Listening at: http://0.0.0.0:80 (1)`]);
}
