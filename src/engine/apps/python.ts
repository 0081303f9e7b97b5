import { httpDate } from './date.ts';
import { pathOf } from './http.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { flag, httpListener } from './server.ts';
import type { Program, ProgramContext } from './server.ts';

/** `python -m http.server PORT`: a listing of its directory, or the files in it. */
export function pythonHttpServer(context: ProgramContext): Program | undefined {
  const args = context.argv.slice(1);
  const at = args.indexOf('-m');
  if (at < 0 || args[at + 1] !== 'http.server') return undefined;
  const rest = args.slice(at + 2);
  const bind = flag(rest, 'bind') ?? flag(rest, 'b');
  const directory = flag(rest, 'directory') ?? flag(rest, 'd') ?? '/';
  const port = Number(rest.find((arg) => /^\d+$/.test(arg)) ?? 8000);
  const handle = (request: HttpRequest): HttpResponse => {
    const path = pathOf(request);
    const head: (readonly [string, string])[] = [
      ['Server', 'SimpleHTTP/0.6 Python/3.13.7'],
      ['Date', httpDate(context.now())],
    ];
    const file = `${directory.replace(/\/$/, '')}${path}${path.endsWith('/') ? 'index.html' : ''}`;
    const found = path.includes('..') ? undefined : context.files.read(file);
    if (found?.ok === true)
      return {
        status: 200,
        headers: [...head, ['Content-Type', 'text/html']],
        body: found.value,
        close: true,
      };
    if (path !== '/')
      return {
        status: 404,
        headers: [...head, ['Connection', 'close'], ['Content-Type', 'text/html;charset=utf-8']],
        body: `<!DOCTYPE HTML>\n<html lang="en">\n    <head>\n        <meta charset="utf-8">\n        <title>Error response</title>\n    </head>\n    <body>\n        <h1>Error response</h1>\n        <p>Error code: 404</p>\n        <p>Message: File not found.</p>\n        <p>Error code explanation: 404 - Nothing matches the given URI.</p>\n    </body>\n</html>\n`,
        close: true,
      };
    return {
      status: 200,
      headers: [...head, ['Content-type', 'text/html; charset=utf-8']],
      body: `<!DOCTYPE HTML>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Directory listing for /</title>\n</head>\n<body>\n<h1>Directory listing for /</h1>\n<hr>\n<ul>\n</ul>\n<hr>\n</body>\n</html>\n`,
      close: true,
    };
  };
  const listener = httpListener({
    port,
    ...(bind === undefined || bind === '0.0.0.0' ? {} : { address: bind }),
    handle,
    log: (request, response, _, peer) =>
      context.log(
        `${peer.ip} - - "${request.method} ${request.target} ${request.version}" ${response.status} -`,
      ),
  });
  return {
    kind: 'server',
    process: 'python3',
    listeners: [listener],
    bindError: () => 'OSError: [Errno 98] Address already in use',
    bindExit: 1,
    onTerm: { kind: 'ignore' },
  };
}
