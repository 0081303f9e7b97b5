import { httpDate } from './date.ts';
import { encode, pathOf } from './http.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { httpListener } from './server.ts';
import type { Program, ProgramContext } from './server.ts';

/** `httpd`, the Apache of Docker Hub, with its one page. */
export function httpd(context: ProgramContext): Program {
  const root = '/usr/local/apache2/htdocs';
  const handle = (request: HttpRequest): HttpResponse => {
    const path = pathOf(request);
    const file = `${root}${path.endsWith('/') ? `${path}index.html` : path}`;
    const found = path.includes('..') ? undefined : context.files.read(file);
    const head: (readonly [string, string])[] = [
      ['Date', httpDate(context.now())],
      ['Server', 'Apache/2.4.66 (Unix)'],
    ];
    if (found === undefined || !found.ok)
      return {
        status: 404,
        headers: [...head, ['Content-Type', 'text/html; charset=iso-8859-1']],
        body: '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>\n',
      };
    const body = encode(found.value);
    return {
      status: 200,
      headers: [
        ...head,
        ['Last-Modified', 'Mon, 11 Jun 2007 18:53:14 GMT'],
        ['ETag', `"${body.length.toString(16)}-432a5e4a73a80"`],
        ['Accept-Ranges', 'bytes'],
        ['Content-Length', String(body.length)],
        ['Content-Type', 'text/html'],
      ],
      body,
    };
  };
  return {
    kind: 'server',
    process: 'httpd',
    listeners: [
      httpListener({
        port: 80,
        handle,
        log: (request, response, length, peer) =>
          context.log(
            `${peer.ip} - - "${request.method} ${request.target} ${request.version}" ${response.status} ${length}`,
          ),
      }),
    ],
    greeting: ["AH00094: Command line: 'httpd -D FOREGROUND'"],
    bindError: ({ port }) =>
      `(98)Address in use: AH00072: make_sock: could not bind to address 0.0.0.0:${port}\nno listening sockets available, shutting down\nAH00015: Unable to open logs`,
    bindExit: 1,
    onTerm: { kind: 'exit', code: 0 },
  };
}
