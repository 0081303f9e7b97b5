import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ApiError, ApiResult } from '../../../src/engine/api/error.ts';
import { type Draft, draftOf, isObject } from '../../../src/engine/api/json.ts';
import { type ResourceKind, resourceKinds } from '../../../src/engine/api/kinds.ts';
import { decodingError, readManifest } from '../../../src/engine/api/manifest.ts';
import { applyPatch } from '../../../src/engine/api/merge.ts';
import type { KubeObject } from '../../../src/engine/api/types.ts';
import type { Bench } from '../../engine/shell/kubectl/harness.ts';
import { type Answer, respond } from './apiserver.ts';

/** The engine's API server over HTTP, so that a real kubectl can change what it holds. */
export function serveBench(bench: Bench): Server {
  return createServer((request, response) => {
    let body = '';
    request.on('data', (data) => (body += String(data)));
    request.on('end', () => handle(bench, request, response, body));
  });
}

function handle(bench: Bench, request: IncomingMessage, response: ServerResponse, body: string): void {
  const url = new URL(request.url ?? '/', 'http://server');
  if (url.searchParams.get('watch') === 'true') return watch(bench, url, response);
  const answer =
    write(bench, request, url, body) ?? respond(everything(bench), bench.world.now / 1e6, request);
  response.writeHead(answer.status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer.body));
}

function everything(bench: Bench): KubeObject[] {
  const { store } = bench.api;
  const key = ({ metadata }: KubeObject) => `${metadata.namespace ?? ''}/${metadata.name}`;
  return store
    .kinds()
    .flatMap((kind) => store.list(kind))
    .sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function watch(bench: Bench, url: URL, response: ServerResponse): void {
  const place = locate(url);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  if (place === undefined) return;
  const stop = bench.api.store.watch(place.resource.kind, ({ type, object }) => {
    response.write(`${JSON.stringify({ type, object })}\n`);
  });
  response.on('close', stop);
}

interface Location {
  readonly resource: ResourceKind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

function locate(url: URL): Location | undefined {
  const parts = url.pathname.split('/').filter((part) => part !== '');
  const rest = parts[0] === 'api' ? parts.slice(2) : parts.slice(3);
  const apiVersion = parts[0] === 'api' ? parts[1] : `${parts[1] ?? ''}/${parts[2] ?? ''}`;
  const namespaced = rest[0] === 'namespaces' && rest.length > 2;
  const [plural, name, subresource] = namespaced ? rest.slice(2) : rest;
  const resource = resourceKinds.find((kind) => kind.plural === plural && kind.apiVersion === apiVersion);
  return resource === undefined
    ? undefined
    : { resource, namespace: namespaced ? rest[1] : undefined, name, subresource };
}

function write(bench: Bench, request: IncomingMessage, url: URL, body: string): Answer | undefined {
  const place = locate(url);
  if (place === undefined) return undefined;
  const { resource, namespace, name, subresource } = place;
  const { api } = bench;
  const live = name === undefined ? undefined : api.store.get(resource.kind, namespace, name);
  if (subresource === 'scale') return scale(bench, place, live, request.method ?? '', body);
  switch (request.method) {
    case 'POST': {
      const object = draftOf(JSON.parse(body));
      const refused = undecodable(resource, object);
      if (refused !== undefined) return refused;
      return answer(resource, api.create(resource, inNamespace(object, namespace)), 201);
    }
    case 'PUT': {
      const object = draftOf(JSON.parse(body));
      return (
        undecodable(resource, object) ??
        answer(resource, api.update(resource, inNamespace(object, namespace)), 200)
      );
    }
    case 'PATCH': {
      if (live === undefined) return undefined;
      const type = request.headers['content-type'] ?? '';
      const patch: unknown = JSON.parse(body);
      const next = type.includes('json-patch+json')
        ? jsonPatched(draftOf(live), patch)
        : isObject(patch) && type.includes('strategic')
          ? strategic(resource.kind, draftOf(live), patch)
          : merged(draftOf(live), isObject(patch) ? patch : {});
      return answer(resource, api.update(resource, next), 200);
    }
    case 'DELETE': {
      if (name === undefined) return undefined;
      const options: unknown = body === '' ? {} : JSON.parse(body);
      const grace = isObject(options) ? options['gracePeriodSeconds'] : undefined;
      const deleteOptions = typeof grace === 'number' ? { gracePeriodSeconds: grace } : {};
      return answer(resource, api.delete(resource, namespace, name, deleteOptions), 200);
    }
    default:
      return undefined;
  }
}

function scale(
  bench: Bench,
  place: Location,
  live: KubeObject | undefined,
  method: string,
  body: string,
): Answer | undefined {
  const { resource } = place;
  if (!['Deployment', 'ReplicaSet', 'StatefulSet'].includes(resource.kind)) {
    return {
      status: 404,
      body: status(
        { reason: 'NotFound', message: 'the server could not find the requested resource' },
        resource,
      ),
    };
  }
  if (live === undefined) {
    const message = `${resource.plural}.${resource.group} ${JSON.stringify(place.name)} not found`;
    return { status: 404, body: status({ reason: 'NotFound', message }, resource) };
  }
  let object = live;
  if (method !== 'GET') {
    const asked: { spec: { replicas: number } } = JSON.parse(body);
    const result = bench.api.update(
      resource,
      merged(draftOf(live), { spec: { replicas: asked.spec.replicas } }),
    );
    if (!result.ok) return answer(resource, result, 200);
    object = result.value;
  }
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const replicas = isObject(draftOf(object)['spec']) ? draftOf(object)['spec'] : {};
  return {
    status: 200,
    body: {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name, namespace, uid, resourceVersion },
      spec: { replicas: isObject(replicas) ? replicas['replicas'] : 0 },
      status: { replicas: 0 },
    },
  };
}

function undecodable(resource: ResourceKind, object: Draft): Answer | undefined {
  const [read] = readManifest(
    JSON.stringify({ ...object, apiVersion: resource.apiVersion, kind: resource.kind }),
  ).objects;
  const problem = read === undefined ? undefined : decodingError(read);
  if (problem === undefined) return undefined;
  const { kind, version } = resource;
  const message = `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${problem}`;
  return { status: 400, body: status({ reason: 'BadRequest', message }, resource) };
}

function inNamespace(object: Draft, namespace: string | undefined): Draft {
  if (namespace === undefined || !isObject(object['metadata'])) return object;
  return { ...object, metadata: { ...object['metadata'], namespace } };
}

const codes: Readonly<Record<string, number>> = {
  NotFound: 404,
  AlreadyExists: 409,
  Conflict: 409,
  Invalid: 422,
  Forbidden: 403,
  BadRequest: 400,
};

function answer(resource: ResourceKind, result: ApiResult<KubeObject>, code: number): Answer {
  if (result.ok) return { status: code, body: result.value };
  return { status: codes[result.error.reason] ?? 500, body: status(result.error, resource) };
}

function status(error: ApiError, resource: ResourceKind) {
  const causes = error.causes?.map(({ field, message }) => ({ reason: 'FieldValueInvalid', field, message }));
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: error.message,
    reason: error.reason,
    details: { name: error.name, group: resource.group, kind: error.kind ?? resource.plural, causes },
    code: codes[error.reason] ?? 500,
  };
}

function merged(target: Draft, patch: Draft): Draft {
  const result: Draft = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const before = result[key];
    if (value === null) delete result[key];
    else result[key] = isObject(value) ? merged(isObject(before) ? before : {}, value) : value;
  }
  return result;
}

/** A strategic merge patch with the directives that kubectl puts in. */
function strategic(kind: string, live: Draft, patch: Draft): Draft {
  const removals: { path: string[]; item: Draft }[] = [];
  const plain = strip(patch, [], removals);
  const result = applyPatch(kind, live, isObject(plain) ? plain : {});
  for (const { path, item } of removals) removeItems(result, path, item);
  return result;
}

function removeItems(at: unknown, [step, ...rest]: readonly string[], item: Draft): void {
  if (Array.isArray(at))
    for (const each of at) removeItems(each, step === undefined ? rest : [step, ...rest], item);
  if (!isObject(at) || step === undefined) return;
  const next = at[step];
  if (rest.length > 0 || !Array.isArray(next)) return removeItems(next, rest, item);
  at[step] = next.filter(
    (each) => !(isObject(each) && Object.entries(item).every(([key, value]) => each[key] === value)),
  );
}

function strip(
  value: Draft[string],
  path: string[],
  removals: { path: string[]; item: Draft }[],
): Draft[string] {
  if (Array.isArray(value)) {
    return value
      .filter((item) => {
        if (!isObject(item) || item['$patch'] !== 'delete') return true;
        const { $patch: _, ...rest } = item;
        removals.push({ path, item: rest });
        return false;
      })
      .map((item) => strip(item, path, removals) ?? null);
  }
  if (!isObject(value)) return value;
  const result: Draft = {};
  for (const [key, item] of Object.entries(value)) {
    if (!key.startsWith('$')) result[key] = strip(item, [...path, key], removals);
  }
  return result;
}

function jsonPatched(target: Draft, operations: unknown): Draft {
  for (const operation of Array.isArray(operations) ? operations : []) {
    if (!isObject(operation)) continue;
    const steps = String(operation['path']).split('/').slice(1);
    const last = steps.pop() ?? '';
    const parent = steps.reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), target);
    if (isObject(parent)) parent[last] = operation['value'];
  }
  return target;
}
