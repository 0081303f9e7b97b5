import { encode, encodeResponse, HttpReader, keepsAlive } from './http.ts';
import type { HttpRequest, HttpResponse } from './http.ts';

/** An end of a conversation, as a program sees it. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

/** A TCP connection that a server accepted. */
export interface Connection {
  readonly peer: Endpoint;
  readonly local: Endpoint;
  write(bytes: Uint8Array): void;
  /** FIN after what was written. */
  close(): void;
  abort(): void;
  /** What the program decided about what was last received, for the record. */
  note(event: string, detail: string): void;
}

export interface ConnectionHandler {
  data(bytes: Uint8Array): void;
  /** The peer has sent its FIN. */
  end(): void;
}

export interface Datagram {
  readonly peer: Endpoint;
  readonly local: Endpoint;
  readonly bytes: Uint8Array;
  reply(bytes: Uint8Array): void;
  /** What the program decided, for the record. */
  note(event: string, detail: string): void;
}

/** One listening socket of a program: data and callbacks, so that it costs nothing until somebody calls. */
export type Listener =
  | {
      readonly protocol: 'TCP';
      readonly port: number;
      /** Only this address, of `::` only IPv6; without it all of them, in one socket for both families where there is IPv6. */
      readonly address?: string;
      accept(connection: Connection): ConnectionHandler;
    }
  | {
      readonly protocol: 'UDP';
      readonly port: number;
      readonly address?: string;
      receive(datagram: Datagram): void;
    };

/** The container's files, as far as a program reads them. */
export interface ReadableFiles {
  read(path: string): { readonly ok: true; readonly value: string } | { readonly ok: false };
  kind(path: string): 'file' | 'directory' | undefined;
}

/** What a program can see of where it runs. */
export interface ProgramContext {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: ReadableFiles;
  readonly hostname: string;
  readonly image: ImageReference;
  readonly ports: readonly { readonly port: number; readonly protocol: 'TCP' | 'UDP' | 'SCTP' }[];
  /** The addresses of the network namespace, without loopback. */
  addresses(): readonly string[];
  /** Virtual microseconds. */
  now(): number;
  /** A line for `kubectl logs`. */
  log(line: string): void;
}

export interface ImageReference {
  /** As it was written. */
  readonly text: string;
  readonly registry: string;
  /** With its path: `library/nginx`, `e2e-test-images/agnhost`. */
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** What a container's process turns out to do. */
export type Program =
  | {
      readonly kind: 'server';
      /** The process's name in `ss -p` and `ps`. */
      readonly process: string;
      readonly listeners: readonly Listener[];
      /** What it says when a port is taken, by its own words; then it exits with `bindExit`. */
      readonly bindError?: (listener: Listener) => string;
      readonly bindExit?: number;
      /** Called once it listens; what it returns is called when the process is gone. */
      readonly begin?: () => () => void;
      /** Lines that it logs once it runs. */
      readonly greeting?: readonly string[];
      /** What SIGTERM does to it; as PID 1 a program without a handler ignores it. */
      readonly onTerm: { readonly kind: 'exit'; readonly code: number } | { readonly kind: 'ignore' };
      /** Set for an image that is not known: it only says so. */
      readonly standIn?: true;
    }
  /** A program among the tools of the image: `sleep`, `sh -c …`, `nc`. */
  | { readonly kind: 'tool'; readonly argv: readonly string[] }
  | { readonly kind: 'exit'; readonly code: number; readonly lines: readonly string[] };

export type HttpHandler = (request: HttpRequest, connection: Connection) => HttpResponse;

export interface HttpService {
  readonly port: number;
  readonly address?: string;
  handle: HttpHandler;
  /** Called after each response, for the access log. */
  readonly log?: (request: HttpRequest, response: HttpResponse, bodyLength: number, peer: Endpoint) => void;
  /** The response to what is no HTTP. */
  readonly bad?: (status: number) => HttpResponse;
}

export function httpListener(service: HttpService): Listener {
  return {
    protocol: 'TCP',
    port: service.port,
    ...(service.address === undefined ? {} : { address: service.address }),
    accept: (connection) => serveHttp(service, connection),
  };
}

function serveHttp(service: HttpService, connection: Connection): ConnectionHandler {
  const reader = new HttpReader();
  const bad = service.bad ?? ((status) => ({ status, headers: [], body: '' }));
  return {
    data(bytes) {
      for (const event of reader.push(bytes)) {
        switch (event.kind) {
          case 'continue':
            connection.write(encode('HTTP/1.1 100 Continue\r\n\r\n'));
            break;
          case 'error':
            connection.write(encodeResponse(bad(event.status), undefined));
            connection.close();
            return;
          case 'request': {
            const { request } = event;
            const response = service.handle(request, connection);
            const length =
              typeof response.body === 'string' ? encode(response.body).length : response.body.length;
            connection.write(encodeResponse(response, request));
            service.log?.(request, response, length, connection.peer);
            if (response.close === true || !keepsAlive(request)) connection.close();
            break;
          }
        }
      }
    },
    end: () => connection.close(),
  };
}

/** Whether its namespace has IPv6 addresses. */
export function hasIpv6(context: ProgramContext): boolean {
  return context.addresses().some((address) => address.includes(':'));
}

/** What a program opens that has a socket for each family, where there is more than one. */
export function eachFamily(listener: Listener, context: ProgramContext): readonly Listener[] {
  if (!hasIpv6(context)) return [listener];
  return ['0.0.0.0', '::'].map((address) => ({ ...listener, address }));
}

/** `:5678`, `0.0.0.0:80`, `127.0.0.1:8080`, `8080`: what Go's net.Listen and its like take. */
export function parseListen(text: string): { readonly port: number; readonly address?: string } | undefined {
  const match = /^(?:\[?([0-9a-fA-F.:*]*?)\]?:)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65535) return undefined;
  const address = match[1] ?? '';
  return address === '' || address === '0.0.0.0' || address === '::' || address === '*'
    ? { port }
    : { port, address };
}

/** `--name value`, `--name=value`, `-name=value`; the last one counts. */
export function flag(args: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  args.forEach((arg, i) => {
    const match = /^--?([^=]+)(?:=(.*))?$/s.exec(arg);
    if (match?.[1] === name) found = match[2] ?? args[i + 1] ?? '';
  });
  return found;
}
