import { goDate, logDate } from '../apps/date.ts';
import { encode, headerOf, HttpReader, keepsAlive, pathOf } from '../apps/http.ts';
import type { HttpRequest } from '../apps/http.ts';
import {
  annotationOf,
  chooseHost,
  chooseIngressLocation,
  claimedIngresses,
  rewrittenTarget,
  upstreamEndpoints,
  upstreamName,
  virtualHosts,
} from './routes.ts';
import type { IngressClaim, IngressLocation } from './routes.ts';
import type { Connection, ConnectionHandler, Endpoint } from '../apps/server.ts';
import type { Store } from '../api/store.ts';
import { encodeAnswer, page, passOn, redirect, upstreamHeaders } from './answer.ts';
import type { Answer } from './answer.ts';
import { parseIp } from '../net/address.ts';
import type { Errno } from '../net/errno.ts';
import type { Netns } from '../net/netns.ts';
import type { SocketOwner } from '../net/socket.ts';
import type { Task } from '../net/task.ts';
import type { TcpConnection } from '../net/tcp-connection.ts';
import { tcpConnect } from '../net/tcp-client.ts';
import { exchange } from '../shell/http.ts';
import type { HttpResponse } from '../shell/http.ts';

export interface ProxyOptions {
  readonly store: Store;
  readonly claim: IngressClaim;
  readonly netns: Netns;
  readonly process: SocketOwner;
  /** Addresses of a name, for Services of type ExternalName. */
  readonly resolve: (name: string) => Task<readonly string[]>;
  readonly log: (line: string) => void;
}

/** One try at an upstream, as the access log counts them. */
interface Attempt {
  readonly endpoint: Endpoint;
  readonly status: number;
  readonly length: number;
  readonly seconds: number;
}

/** A request as it is worked off: nginx' `$req_id`, and the tries so far. */
interface Asked {
  readonly id: string;
  readonly attempts: Attempt[];
}

const SECOND = 1_000_000;
/** `upstream-keepalive-timeout`. */
const KEEPALIVE = 60 * SECOND;
/** `proxy-body-size`: 1m. */
const MAX_BODY = 1_048_576;
/** `proxy-next-upstream-tries`. */
const TRIES = 3;
/**
 * The data plane of ingress-nginx: requests by host and path to the endpoints themselves, in turn, not to the Service's
 * address. Time-outs, retries, pages, headers and log lines are those of its defaults.
 */
export class IngressProxy {
  readonly #options: ProxyOptions;
  readonly #turns = new Map<string, number>();
  readonly #idle = new Map<string, TcpConnection[]>();
  #requests = 0;

  constructor(options: ProxyOptions) {
    this.#options = options;
  }

  accept(connection: Connection): ConnectionHandler {
    const reader = new HttpReader();
    const waiting: HttpRequest[] = [];
    let busy = false;
    const { world } = this.#options.netns;
    const next = (): void => {
      const request = waiting.shift();
      if (busy || request === undefined) return;
      busy = true;
      const answerAll = this.#answer(request, connection);
      world.spawn(
        (function* (): Task<void> {
          yield* answerAll;
          busy = false;
          next();
        })(),
      );
    };
    return {
      data: (bytes) => {
        for (const event of reader.push(bytes)) {
          if (event.kind === 'continue') connection.write(encode('HTTP/1.1 100 Continue\r\n\r\n'));
          else if (event.kind === 'request') {
            waiting.push(event.request);
            next();
          } else {
            connection.write(encodeAnswer(page(event.status), undefined, world.now));
            connection.close();
            return;
          }
        }
      },
      end: () => connection.close(),
    };
  }

  /** The process is gone, and its connections with it. */
  close(): void {
    for (const sockets of this.#idle.values()) for (const socket of sockets) socket.close();
    this.#idle.clear();
  }

  *#answer(request: HttpRequest, connection: Connection): Task<void> {
    const { store, claim, netns } = this.#options;
    const began = netns.world.now;
    const asked: Asked = { id: this.#requestId(), attempts: [] };
    const host = headerOf(request, 'host') ?? '';
    const server = chooseHost(virtualHosts(claimedIngresses(store, claim)), host);
    const location = chooseIngressLocation(server, pathOf(request));
    let answer: Answer;
    if (request.bodyLength > MAX_BODY) answer = page(413);
    else if (location === undefined) {
      connection.note('default-backend', `${host}${pathOf(request)}`);
      answer = page(404);
    } else if (server?.tls === true && annotationOf(location.ingress, 'ssl-redirect') !== 'false') {
      answer = redirect(`https://${host.replace(/:\d+$/, '')}${request.target}`);
    } else answer = yield* this.#proxy(request, connection, location, asked);
    connection.write(encodeAnswer(answer, request, netns.world.now));
    this.#log(request, connection, location, answer, asked, netns.world.now - began);
    if (!keepsAlive(request)) connection.close();
  }

  *#proxy(
    request: HttpRequest,
    connection: Connection,
    location: IngressLocation,
    asked: Asked,
  ): Task<Answer> {
    const { store, netns } = this.#options;
    const { ingress, upstream } = location;
    const viaService = annotationOf(ingress, 'service-upstream') === 'true';
    const found = upstreamEndpoints(store, upstream, viaService);
    let endpoints: readonly Endpoint[] = [];
    if (found.kind === 'endpoints') endpoints = found.endpoints;
    else if (found.kind === 'name')
      endpoints = (yield* this.#options.resolve(found.name)).map((ip) => ({ ip, port: found.port }));
    if (endpoints.length === 0) {
      connection.note('no-endpoints', upstreamName(upstream));
      return page(503);
    }
    const tries = Math.max(1, Math.min(10, numberOf(ingress, 'proxy-next-upstream-tries', TRIES)));
    let status = 502;
    for (let attempt = 0; attempt < tries; attempt++) {
      const endpoint = this.#turn(upstreamName(upstream), endpoints);
      const began = netns.world.now;
      connection.note('backend', `${upstreamName(upstream)} ${join(endpoint)}`);
      const outcome = yield* this.#ask(endpoint, request, connection, location, asked.id);
      const seconds = (netns.world.now - began) / SECOND;
      if (outcome.kind === 'response') {
        const { response } = outcome;
        asked.attempts.push({ endpoint, status: response.status, length: response.body.length, seconds });
        return passOn(response);
      }
      status = outcome.kind === 'timeout' ? 504 : 502;
      asked.attempts.push({ endpoint, status, length: 0, seconds });
      this.#complain(request, connection, endpoint, outcome.words);
      // What may have had an effect is not asked twice (proxy_next_upstream without non_idempotent).
      if (outcome.sent && !/^(GET|HEAD|PUT|DELETE|OPTIONS|TRACE)$/.test(request.method)) break;
    }
    return page(status);
  }

  *#ask(
    endpoint: Endpoint,
    request: HttpRequest,
    connection: Connection,
    location: IngressLocation,
    id: string,
  ): Task<
    | { readonly kind: 'response'; readonly response: HttpResponse }
    | { readonly kind: 'error' | 'timeout'; readonly words: string; readonly sent: boolean }
  > {
    const { netns, process } = this.#options;
    const { ingress } = location;
    const dst = parseIp(endpoint.ip);
    if (dst === undefined) return { kind: 'error', words: 'invalid address', sent: false };
    const key = join(endpoint);
    let socket = this.#takeIdle(key);
    const reused = socket !== undefined;
    if (socket === undefined) {
      const timeout = numberOf(ingress, 'proxy-connect-timeout', 5) * SECOND;
      const opened = yield* tcpConnect(netns, { dst, dport: endpoint.port, timeout, process });
      if (opened.kind === 'timeout')
        return {
          kind: 'timeout',
          words: 'upstream timed out (110: Operation timed out) while connecting to upstream',
          sent: false,
        };
      if (opened.kind === 'error')
        return {
          kind: opened.errno === 'ETIMEDOUT' ? 'timeout' : 'error',
          words: `connect() failed (${errorWords(opened.errno)}) while connecting to upstream`,
          sent: false,
        };
      socket = opened.socket;
    }
    const readTimeout = numberOf(ingress, 'proxy-read-timeout', 60) * SECOND;
    const target = rewrittenTarget(location, request.target);
    const sent = { ...request, target, headers: upstreamHeaders(request, connection, id) };
    const outcome = yield* exchange(socket, sent, netns.world.now + readTimeout);
    if (outcome.kind === 'response') {
      if (outcome.keepAlive) this.#keepIdle(key, socket);
      else socket.close();
      return { kind: 'response', response: outcome.response };
    }
    socket.abort();
    if (outcome.kind === 'timeout')
      return {
        kind: 'timeout',
        words: 'upstream timed out (110: Operation timed out) while reading response header from upstream',
        sent: true,
      };
    const words =
      outcome.kind === 'error'
        ? `recv() failed (${errorWords(outcome.errno)}) while reading response header from upstream`
        : outcome.kind === 'malformed'
          ? 'upstream sent no valid HTTP/1.0 header while reading response header from upstream'
          : 'upstream prematurely closed connection while reading response header from upstream';
    return { kind: 'error', words, sent: !reused };
  }

  /** Round robin, for each upstream by itself. */
  #turn(name: string, endpoints: readonly Endpoint[]): Endpoint {
    const turn = this.#turns.get(name) ?? 0;
    this.#turns.set(name, turn + 1);
    return endpoints[turn % endpoints.length] ?? { ip: '', port: 0 };
  }

  #takeIdle(key: string): TcpConnection | undefined {
    const sockets = this.#idle.get(key) ?? [];
    for (let socket = sockets.pop(); socket !== undefined; socket = sockets.pop()) {
      socket.onEnd = socket.onError = undefined;
      if (socket.state === 'ESTABLISHED') return socket;
    }
    return undefined;
  }

  #keepIdle(key: string, socket: TcpConnection): void {
    const sockets = this.#idle.get(key) ?? [];
    this.#idle.set(key, sockets);
    sockets.push(socket);
    const drop = (): void => {
      const at = sockets.indexOf(socket);
      if (at < 0) return;
      sockets.splice(at, 1);
      socket.close();
    };
    socket.onEnd = drop;
    socket.onError = drop;
    this.#options.netns.world.schedule(KEEPALIVE, drop);
  }

  #requestId(): string {
    const { random } = this.#options.netns.world;
    return Array.from({ length: 4 }, () => random.uint32().toString(16).padStart(8, '0')).join('');
  }

  /** nginx' error log goes to the container's standard error. */
  #complain(request: HttpRequest, { peer }: Connection, endpoint: Endpoint, words: string): void {
    const { log, netns } = this.#options;
    const host = headerOf(request, 'host') ?? '';
    log(
      `${goDate(netns.world.now)} [error] 32#32: *${this.#requests + 1} ${words}, client: ${peer.ip}, server: ${host.replace(/:\d+$/, '') || '_'}, request: "${request.method} ${request.target} ${request.version}", upstream: "http://${join(endpoint)}${request.target}", host: "${host}"`,
    );
  }

  /** The default `log-format-upstream`. */
  #log(
    request: HttpRequest,
    { peer }: Connection,
    location: IngressLocation | undefined,
    answer: Answer,
    { id, attempts }: Asked,
    took: number,
  ): void {
    this.#requests++;
    const { log, netns } = this.#options;
    const name = location === undefined ? 'upstream-default-backend' : upstreamName(location.upstream);
    const sent = request.method === 'HEAD' ? 0 : answer.body.length;
    const own =
      location === undefined
        ? [{ endpoint: { ip: '127.0.0.1', port: 8181 }, status: 404, length: sent, seconds: 0 }]
        : attempts;
    const column = (of: (attempt: Attempt) => string): string =>
      own.length === 0 ? '-' : own.map(of).join(', ');
    const quoted = (header: string): string => `"${headerOf(request, header) ?? '-'}"`;
    const requestLength =
      encode(
        `${request.method} ${request.target} ${request.version}\r\n${request.headers.map(([key, value]) => `${key}: ${value}\r\n`).join('')}\r\n`,
      ).length + request.bodyLength;
    log(
      [
        `${peer.ip} - - [${logDate(netns.world.now)}] "${request.method} ${request.target} ${request.version}"`,
        `${answer.status} ${sent} ${quoted('referer')} ${quoted('user-agent')}`,
        `${requestLength} ${(took / SECOND).toFixed(3)} [${name}] []`,
        column(({ endpoint }) => join(endpoint)),
        column(({ length }) => String(length)),
        column(({ seconds }) => seconds.toFixed(3)),
        column(({ status }) => String(status)),
        id,
      ].join(' '),
    );
  }
}

function join({ ip, port }: Endpoint): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function numberOf(ingress: IngressLocation['ingress'], annotation: string, otherwise: number): number {
  const text = annotationOf(ingress, annotation);
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : otherwise;
}

function errorWords(errno: Errno): string {
  switch (errno) {
    case 'ECONNREFUSED':
      return '111: Connection refused';
    case 'ECONNRESET':
      return '104: Connection reset by peer';
    case 'EHOSTUNREACH':
      return '113: Host is unreachable';
    case 'ENETUNREACH':
      return '101: Network unreachable';
    default:
      return '110: Operation timed out';
  }
}
