import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type ResourceKind, resourceKinds } from '../../../src/engine/api/kinds.ts';
import { printerOf } from '../../../src/engine/shell/kubectl/printers/index.ts';
import { columnsOf } from '../../../src/engine/shell/kubectl/printers/printer.ts';
import { byBytes, textAt } from '../../../src/engine/shell/kubectl/value.ts';

/** Answers a real kubectl's reads from a list of objects, so that what it prints of them can be recorded. */
export function serveObjects(objects: readonly unknown[], now: () => number, log: string[] = []): Server {
  const sorted = [...objects].sort((a, b) => byBytes(key(a), key(b)));
  return createServer((request, response) => {
    const answer = respond(sorted, now(), request);
    log.push(`${request.method} ${request.url} ${request.headers.accept} -> ${answer.status}`);
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(JSON.stringify(answer.body));
  });
}

function key(object: unknown): string {
  return `${textAt(object, 'metadata.namespace')}/${textAt(object, 'metadata.name')}`;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

const groups = [...new Set(resourceKinds.map((kind) => kind.group))].filter((group) => group !== '');

export function respond(objects: readonly unknown[], now: number, request: IncomingMessage): Answer {
  const url = new URL(request.url ?? '/', 'http://server');
  const parts = url.pathname.split('/').filter((part) => part !== '');
  const ok = (body: unknown): Answer => ({ status: 200, body });
  if (url.pathname === '/version') {
    return ok({ major: '1', minor: '33', gitVersion: 'v1.33.1', platform: 'linux/amd64' });
  }
  if (url.pathname === '/api') return ok({ kind: 'APIVersions', versions: ['v1'] });
  if (url.pathname === '/apis') {
    return ok({
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: groups.map((name) => {
        const version = resourceKinds.find((kind) => kind.group === name)?.version ?? '';
        const preferred = { groupVersion: `${name}/${version}`, version };
        return { name, versions: [preferred], preferredVersion: preferred };
      }),
    });
  }
  const rest = parts[0] === 'api' ? parts.slice(2) : parts.slice(3);
  const apiVersion = parts[0] === 'api' ? (parts[1] ?? '') : `${parts[1]}/${parts[2]}`;
  const known = resourceKinds.filter((kind) => kind.apiVersion === apiVersion);
  if (known.length === 0)
    return { status: 404, body: status('the server could not find the requested resource', 404) };
  if (rest.length === 0) {
    return ok({
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: apiVersion,
      resources: [
        ...known.map((kind) => ({
          name: kind.plural,
          singularName: kind.singular,
          namespaced: kind.namespaced,
          kind: kind.kind,
          shortNames: kind.shortNames,
          categories: [
            'Pod',
            'Service',
            'DaemonSet',
            'Deployment',
            'ReplicaSet',
            'StatefulSet',
            'Job',
            'CronJob',
          ].includes(kind.kind)
            ? ['all']
            : [],
          verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
        })),
        ...known
          .filter(({ kind }) => ['Deployment', 'ReplicaSet', 'StatefulSet'].includes(kind))
          .map(({ plural }) => ({
            name: `${plural}/scale`,
            singularName: '',
            namespaced: true,
            group: 'autoscaling',
            version: 'v1',
            kind: 'Scale',
            verbs: ['get', 'patch', 'update'],
          })),
      ],
    });
  }
  const namespaced = rest[0] === 'namespaces' && rest.length > 2;
  const namespace = namespaced ? rest[1] : undefined;
  const [plural = '', name] = namespaced ? rest.slice(2) : rest;
  const kind = known.find((candidate) => candidate.plural === plural);
  if (kind === undefined)
    return { status: 404, body: status('the server could not find the requested resource', 404) };
  const selected = objects.filter(
    (object) =>
      textAt(object, 'kind') === kind.kind &&
      (namespace === undefined || textAt(object, 'metadata.namespace') === namespace) &&
      (name === undefined || textAt(object, 'metadata.name') === name) &&
      matchesFields(object, url.searchParams.get('fieldSelector') ?? '') &&
      matchesLabels(object, url.searchParams.get('labelSelector') ?? ''),
  );
  if (name !== undefined && selected.length === 0) {
    const resource = kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
    return {
      status: 404,
      body: {
        ...status(`${resource} "${name}" not found`, 404),
        reason: 'NotFound',
        details: { name, group: kind.group, kind: kind.plural },
      },
    };
  }
  const found = (body: unknown): Answer => ({
    status: 200,
    body,
    ...(kind.kind === 'Endpoints'
      ? {
          headers: {
            warning: '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"',
          },
        }
      : {}),
  });
  if ((request.headers.accept ?? '').includes('as=Table')) return found(table(kind, selected, now));
  if (name !== undefined) return found(selected[0]);
  return found({ kind: `${kind.kind}List`, apiVersion, metadata: { resourceVersion: '1' }, items: selected });
}

function status(message: string, code: number) {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason: 'NotFound', code };
}

function table(kind: ResourceKind, objects: readonly unknown[], now: number) {
  const printer = printerOf(kind.kind);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: '1' },
    columnDefinitions: columnsOf(printer).map((column, index) => ({
      name: column.header,
      type: 'string',
      format: index === 0 ? 'name' : '',
      description: '',
      priority: column.wide ? 1 : 0,
    })),
    rows: objects.map((object) => ({ cells: printer.row(object, { now, wide: true }), object })),
  };
}

/** Enough of field selectors for what kubectl itself asks. */
function matchesFields(object: unknown, selector: string): boolean {
  return selector.split(',').every((term) => {
    const match = /^([^!=]+)(!?=)=?(.*)$/.exec(term);
    return match === null || (textAt(object, match[1] ?? '') === match[3]) === (match[2] === '=');
  });
}

function matchesLabels(object: unknown, selector: string): boolean {
  const labels = (object as { metadata?: { labels?: Record<string, string> } }).metadata?.labels ?? {};
  return selector.split(',').every((term) => {
    const match = /^([^!=]+)=(.*)$/.exec(term);
    return match === null || labels[match[1] ?? ''] === match[2];
  });
}
