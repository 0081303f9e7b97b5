import type { Store } from '../api/store.ts';
import type { Ingress, IngressBackend, Service } from '../api/types.ts';
import type { Endpoint } from '../apps/server.ts';
import type { Budget } from '../shell/regex/machine.ts';
import { Regex } from '../shell/regex/regex.ts';
import type { Match } from '../shell/regex/regex.ts';

/** Which Ingresses a controller serves (ingress-nginx, `internal/ingress/controller/ingressclass`). */
export interface IngressClaim {
  /** `IngressClass.spec.controller` of the classes that are its own. */
  readonly controllerClass: string;
  /** What the older annotation `kubernetes.io/ingress.class` must say. */
  readonly annotationClass: string;
  readonly watchWithoutClass: boolean;
  /** Only this namespace's; all of them without it. */
  readonly namespace?: string;
}

/** A Service's port, by which nginx knows a group of endpoints: `default-web-80`. */
export interface Upstream {
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
}

export interface IngressLocation {
  readonly path: string;
  /** How the path is compared: by nginx' own locations, or as a pattern where the host has any rewrite. */
  readonly match: 'exact' | 'prefix' | 'pattern';
  readonly ingress: Ingress;
  readonly upstream: Upstream;
}

/** A `server` block of nginx: one host, `*.host`, or `_` for every other one. */
export interface VirtualHost {
  readonly host: string;
  readonly tls: boolean;
  /** Exact ones first, then the longest. */
  readonly locations: readonly IngressLocation[];
}

interface HostDraft {
  tls: boolean;
  /** One rewrite or `use-regex` makes patterns of all paths of its host (`template.enforceRegexModifier`). */
  patterns: boolean;
  readonly locations: Map<string, IngressLocation>;
}

const annotationPrefix = 'nginx.ingress.kubernetes.io/';

export function annotationOf(ingress: Ingress, name: string): string | undefined {
  const annotations = ingress.metadata.annotations ?? {};
  const key = annotationPrefix + name;
  return Object.hasOwn(annotations, key) ? annotations[key] : undefined;
}

/** The Ingresses that are a controller's own, the oldest first: where two claim one path, the older one has it. */
export function claimedIngresses(store: Store, claim: IngressClaim): Ingress[] {
  return store
    .list('Ingress', claim.namespace)
    .filter((ingress) => isClaimed(store, claim, ingress))
    .sort((a, b) => compareAge(a, b));
}

function isClaimed(store: Store, claim: IngressClaim, { metadata, spec }: Ingress): boolean {
  const annotated = metadata.annotations?.['kubernetes.io/ingress.class'];
  if (annotated !== undefined) return annotated === claim.annotationClass;
  if (spec.ingressClassName === undefined) return claim.watchWithoutClass;
  const found = store.get('IngressClass', undefined, spec.ingressClassName);
  return found?.spec?.controller === claim.controllerClass;
}

function compareAge(a: Ingress, b: Ingress): number {
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (left !== right) return left < right ? -1 : 1;
  const key = ({ metadata }: Ingress): string => `${metadata.namespace ?? ''}/${metadata.name}`;
  return key(a) < key(b) ? -1 : 1;
}

/**
 * The hosts and locations that ingress-nginx writes into its configuration. A `Prefix` path becomes an exact location
 * and one that ends in a slash, so that it ends at whole elements (`updateServerLocations`).
 */
export function virtualHosts(ingresses: readonly Ingress[]): VirtualHost[] {
  const hosts = new Map<string, HostDraft>();
  const hostOf = (name: string): HostDraft => {
    const key = name === '' ? '_' : name.toLowerCase();
    let host = hosts.get(key);
    if (host === undefined) hosts.set(key, (host = { tls: false, patterns: false, locations: new Map() }));
    return host;
  };
  const add = (
    host: string,
    ingress: Ingress,
    path: string,
    match: 'exact' | 'prefix',
    backend: IngressBackend | undefined,
  ): void => {
    const upstream = upstreamOf(ingress, backend);
    const { locations } = hostOf(host);
    const key = `${match} ${path}`;
    if (upstream !== undefined && !locations.has(key)) locations.set(key, { path, match, ingress, upstream });
  };
  for (const ingress of ingresses) {
    const { rules = [], tls = [] } = ingress.spec;
    for (const { host = '', http } of rules) {
      if (hasPatterns(ingress)) hostOf(host).patterns = true;
      for (const { path = '/', pathType, backend } of http?.paths ?? []) {
        if (pathType !== 'Prefix' || path === '/' || hasPatterns(ingress)) {
          add(host, ingress, path, pathType === 'Exact' ? 'exact' : 'prefix', backend);
          continue;
        }
        const bare = path.replace(/\/+$/, '');
        add(host, ingress, bare, 'exact', backend);
        add(host, ingress, `${bare}/`, 'prefix', backend);
      }
      if (tls.some(({ hosts: names }) => names?.includes(host))) hostOf(host).tls = true;
    }
  }
  // A default backend takes what the rules of its hosts leave, and every other host when there are no rules.
  for (const ingress of ingresses) {
    const { rules = [], defaultBackend } = ingress.spec;
    if (defaultBackend === undefined) continue;
    for (const host of rules.length === 0 ? [''] : new Set(rules.map((rule) => rule.host ?? '')))
      add(host, ingress, '/', 'prefix', defaultBackend);
  }
  return [...hosts].map(([host, { tls, patterns, locations }]) => ({
    host,
    tls,
    locations: [...locations.values()]
      .map((location): IngressLocation => (patterns ? { ...location, match: 'pattern' } : location))
      .sort(
        (a, b) => Number(b.match === 'exact') - Number(a.match === 'exact') || b.path.length - a.path.length,
      ),
  }));
}

function hasPatterns(ingress: Ingress): boolean {
  return (
    annotationOf(ingress, 'use-regex') === 'true' || (annotationOf(ingress, 'rewrite-target') ?? '') !== ''
  );
}

function upstreamOf(ingress: Ingress, backend: IngressBackend | undefined): Upstream | undefined {
  if (backend?.service === undefined) return undefined;
  const { name, port } = backend.service;
  return {
    namespace: ingress.metadata.namespace ?? 'default',
    service: name,
    port: port?.name ?? String(port?.number ?? ''),
  };
}

/** nginx' choice among server names: the exact one, then the wildcard, then the catch-all (ngx_http_core_module, `server_name`). */
export function chooseHost(hosts: readonly VirtualHost[], header: string): VirtualHost | undefined {
  const name = header.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  const wildcard = `*${name.slice(Math.max(0, name.indexOf('.')))}`;
  const named = (wanted: string): VirtualHost | undefined => hosts.find(({ host }) => host === wanted);
  return named(name) ?? (name.includes('.') ? named(wildcard) : undefined) ?? named('_');
}

export function chooseIngressLocation(
  host: VirtualHost | undefined,
  path: string,
): IngressLocation | undefined {
  return host?.locations.find((location) => {
    switch (location.match) {
      case 'exact':
        return location.path === path;
      case 'prefix':
        return path.startsWith(location.path);
      case 'pattern':
        return matchPath(location, path) !== undefined;
    }
  });
}

/** What a pattern from a stranger may cost on one path. */
const PATTERN_STEPS = 200_000;

function budget(): Budget {
  let left = PATTERN_STEPS;
  return { spend: (instructions) => (left -= instructions) >= 0 };
}

/** `location ~* "^path"`; a path that is no pattern matches nothing. */
function matchPath({ path: pattern }: IngressLocation, path: string): Match | undefined {
  const regex = Regex.parse(`^(?:${pattern})`, { syntax: 'perl', letters: 'any case' });
  return regex instanceof Regex ? regex.match(path, 0, budget()) : undefined;
}

/** The target that the backend is asked for: `rewrite-target` with the path's groups in `$1` …, the query as it was. */
export function rewrittenTarget(location: IngressLocation, target: string): string {
  const rewrite = annotationOf(location.ingress, 'rewrite-target') ?? '';
  const [path = '/'] = target.split('?');
  const match = rewrite === '' ? undefined : matchPath(location, path);
  if (match === undefined) return target;
  return (
    rewrite.replace(/\$(\d)/g, (_, group: string) => match.groups[Number(group)] ?? '') +
    target.slice(path.length)
  );
}

/** `default-web-80`, as the access log has it. */
export function upstreamName({ namespace, service, port }: Upstream): string {
  return `${namespace}-${service}-${port}`;
}

export type UpstreamEndpoints =
  | { readonly kind: 'endpoints'; readonly endpoints: readonly Endpoint[] }
  /** Names are asked for when the request comes. */
  | { readonly kind: 'name'; readonly name: string; readonly port: number }
  | { readonly kind: 'no-service' }
  | { readonly kind: 'no-port' };

/** Where a Service's port leads: its ready endpoints, or its own address with the annotation `service-upstream`. */
export function upstreamEndpoints(
  store: Store,
  { namespace, service, port }: Upstream,
  viaService: boolean,
): UpstreamEndpoints {
  const found = store.get('Service', namespace, service);
  if (found === undefined) return { kind: 'no-service' };
  const servicePort = found.spec.ports?.find(
    ({ name, port: number }) => name === port || String(number) === port,
  );
  if (found.spec.type === 'ExternalName') {
    const number = servicePort?.port ?? Number(port);
    return Number.isInteger(number) && number > 0
      ? { kind: 'name', name: found.spec.externalName ?? '', port: number }
      : { kind: 'no-port' };
  }
  if (servicePort === undefined) return { kind: 'no-port' };
  const { clusterIP } = found.spec;
  if (viaService && clusterIP !== undefined && clusterIP !== 'None')
    return { kind: 'endpoints', endpoints: [{ ip: clusterIP, port: servicePort.port }] };
  return { kind: 'endpoints', endpoints: readyEndpoints(store, found, servicePort.name ?? '') };
}

function readyEndpoints(store: Store, { metadata }: Service, portName: string): Endpoint[] {
  const key = `${metadata.namespace ?? ''}/${metadata.name}`;
  const endpoints = new Map<string, Endpoint>();
  for (const slice of store.indexed('EndpointSlice', 'dns-service', key)) {
    const port = slice.ports?.find(
      ({ name, protocol }) => (name ?? '') === portName && (protocol ?? 'TCP') === 'TCP',
    )?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions } of slice.endpoints ?? []) {
      const [ip] = addresses;
      if (ip !== undefined && conditions?.ready !== false) endpoints.set(`${ip} ${port}`, { ip, port });
    }
  }
  return [...endpoints.values()].sort((a, b) => (a.ip === b.ip ? a.port - b.port : a.ip < b.ip ? -1 : 1));
}
