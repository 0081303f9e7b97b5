import type { ToolContext } from '../../tool.ts';

/** What `-w` can tell about a transfer. Times in virtual microseconds since it began. */
export interface Transfer {
  url: string;
  scheme: string;
  method: string;
  status: number;
  version: string;
  contentType: string;
  body: number;
  headerSize: number;
  uploaded: number;
  local: string;
  localPort: number;
  remote: string;
  remotePort: number;
  connects: number;
  redirects: number;
  exitCode: number;
  error: string;
  lookup: number;
  connected: number;
  firstByte: number;
  total: number;
}

const VARIABLES: Readonly<Record<string, (t: Transfer) => string>> = {
  content_type: (t) => t.contentType,
  errormsg: (t) => t.error,
  exitcode: (t) => String(t.exitCode),
  http_code: (t) => String(t.status).padStart(3, '0'),
  http_version: (t) => t.version,
  local_ip: (t) => t.local,
  local_port: (t) => String(t.localPort),
  method: (t) => t.method,
  num_connects: (t) => String(t.connects),
  num_redirects: (t) => String(t.redirects),
  remote_ip: (t) => t.remote,
  remote_port: (t) => String(t.remotePort),
  response_code: (t) => String(t.status).padStart(3, '0'),
  scheme: (t) => t.scheme,
  size_download: (t) => String(t.body),
  size_header: (t) => String(t.headerSize),
  size_upload: (t) => String(t.uploaded),
  speed_download: (t) => String(t.total === 0 ? 0 : Math.floor((t.body * 1e6) / t.total)),
  ssl_verify_result: () => '0',
  time_appconnect: () => '0.000000',
  time_connect: (t) => time(t.connected),
  time_namelookup: (t) => time(t.lookup),
  time_pretransfer: (t) => time(t.connected),
  time_redirect: () => '0.000000',
  time_starttransfer: (t) => time(t.firstByte),
  time_total: (t) => time(t.total),
  url: (t) => t.url,
  url_effective: (t) => (/^[a-z]+:\/\/[^/]+$/i.test(t.url) ? `${t.url}/` : t.url),
};

function time(us: number): string {
  return (us / 1e6).toFixed(6);
}

export function writeOut(ctx: ToolContext, format: string, transfer: Transfer): void {
  let sink = ctx.out;
  let text = '';
  for (const token of format.match(/%%|%\{[^}]*\}|\\.|[^%\\]+|./gs) ?? []) {
    if (token === '%%') text += '%';
    else if (token.startsWith('%{')) {
      const name = token.slice(2, -1);
      const variable = Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined;
      if (name === 'stderr' || name === 'stdout') {
        sink(text);
        text = '';
        sink = name === 'stderr' ? ctx.err : ctx.out;
      } else if (name === 'onerror') {
        if (transfer.exitCode === 0) break;
      } else if (variable === undefined) ctx.err(`curl: unknown --write-out variable: '${name}'\n`);
      else text += variable(transfer);
    } else if (token.startsWith('\\') && token.length === 2)
      text += { n: '\n', r: '\r', t: '\t' }[token[1] ?? ''] ?? token;
    else text += token;
  }
  sink(text);
}
