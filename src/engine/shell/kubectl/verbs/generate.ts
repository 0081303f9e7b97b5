import type { Draft, DraftValue } from '../../../api/json.ts';
import { isObject, setOwn } from '../../../api/json.ts';
import { checkFields } from '../../../api/fields.ts';
import { groupKind, type ResourceKind, resourceOfKind } from '../../../api/kinds.ts';
import type { KubeObject } from '../../../api/types.ts';
import type { Task } from '../../../net/task.ts';
import { Failure, failure, type Invocation, refusal } from '../invocation.ts';
import { dryRunOf, outputFormat, printDone } from '../output.ts';
import { absolute } from '../sources.ts';
import { findTargets } from '../targets.ts';
import { entriesAt, listAt, textAt, valueAt } from '../value.ts';

/** Makes an object from flags: what `kubectl create deployment`, `run` and `expose` write. */
export function createGenerated(
  k: Invocation,
  kind: string,
  manifest: Draft,
  done: 'created' | 'exposed' | 'silent' = 'created',
): Failure | { readonly object: KubeObject } {
  const resource = resourceOfKind(kind);
  const dryRun = dryRunOf(k);
  if (dryRun instanceof Failure) return dryRun;
  const format = outputFormat(k);
  if (format instanceof Failure) return format;
  if (resource === undefined) return failure(`no matches for kind ${JSON.stringify(kind)}`);
  if (dryRun !== 'none') {
    const shown = generated(resource, manifest);
    if (done !== 'silent') announce(k, kind, shown, done);
    return { object: shown };
  }
  const whole = complete(resource, manifest, k.namespace);
  const wrong = checkFields(kind, whole).type;
  if (wrong !== undefined) return refusal({ reason: 'BadRequest', message: wrong.message });
  const result = k.host.api.create(resource, whole);
  if (!result.ok) {
    const { reason, message, causes } = result.error;
    const verb =
      k.command === 'create' || k.command.startsWith('create ')
        ? `failed to create ${resource.singular}: `
        : '';
    if (causes === undefined && verb !== '' && reason !== 'LimitReached')
      return new Failure(`error: ${verb}${message}`);
    return refusal(result.error);
  }
  if (done !== 'silent') announce(k, kind, result.value, done);
  return { object: result.value };
}

/** Prints an object that was made, as `-o` asks for it. */
export function announce(k: Invocation, kind: string, object: KubeObject, done: string): number {
  const resource = resourceOfKind(kind);
  return resource === undefined ? 1 : printDone(k, { resource, object }, done);
}

function complete({ apiVersion, kind, namespaced }: ResourceKind, manifest: Draft, namespace: string): Draft {
  const metadata = isObject(manifest['metadata']) ? manifest['metadata'] : {};
  return { ...manifest, apiVersion, kind, metadata: namespaced ? { ...metadata, namespace } : metadata };
}

/** The object as the generator has it, before the server saw it. */
function generated(resource: ResourceKind, manifest: Draft): KubeObject {
  const metadata = isObject(manifest['metadata']) ? manifest['metadata'] : {};
  const shown: unknown = {
    ...manifest,
    apiVersion: resource.apiVersion,
    kind: resource.kind,
    metadata: { creationTimestamp: null, ...metadata },
  };
  return shown as KubeObject;
}

/** `create deployment NAME`, `create service clusterip NAME` and so on. */
export function* generate(k: Invocation): Task<number> {
  const [name, ...extra] = k.flags.dash === undefined ? k.args : k.args.slice(0, k.flags.dash);
  const required = requiredFlags[k.command];
  if (required !== undefined && !k.flags.has(required))
    return k.fail(`required flag(s) "${required}" not set`);
  if (name === undefined || extra.length > 0) {
    return k.misuse(`exactly one NAME is required, got ${name === undefined ? 0 : extra.length + 1}`);
  }
  const make = generators[k.command];
  const made = make?.(k, name) ?? failure(`unknown command ${JSON.stringify(k.command)}`);
  if (made instanceof Failure) return k.fail(made);
  const created = createGenerated(k, made.kind, made.manifest);
  return created instanceof Failure ? k.fail(created) : 0;
}

interface Made {
  readonly kind: string;
  readonly manifest: Draft;
}

const requiredFlags: Readonly<Record<string, string>> = {
  'create deployment': 'image',
  'create service externalname': 'external-name',
};

const generators: Readonly<Record<string, (k: Invocation, name: string) => Made | Failure>> = {
  'create deployment': deployment,
  'create job': job,
  'create namespace': (_, name) => ({
    kind: 'Namespace',
    manifest: { metadata: { name }, spec: {}, status: {} },
  }),
  'create serviceaccount': (_, name) => ({ kind: 'ServiceAccount', manifest: { metadata: { name } } }),
  'create configmap': (k, name) => data(k, name, 'ConfigMap'),
  'create secret generic': (k, name) => data(k, name, 'Secret'),
  'create service clusterip': (k, name) => service(k, name, 'ClusterIP'),
  'create service nodeport': (k, name) => service(k, name, 'NodePort'),
  'create service loadbalancer': (k, name) => service(k, name, 'LoadBalancer'),
  'create service externalname': (k, name) => service(k, name, 'ExternalName'),
  'create ingress': ingress,
};

function commandOf(k: Invocation): string[] {
  return k.flags.dash === undefined ? [] : k.args.slice(k.flags.dash);
}

function deployment(k: Invocation, name: string): Made | Failure {
  const images = k.flags.list('image').flatMap((list) => list.split(','));
  const command = commandOf(k);
  if (images.length > 1 && command.length > 0)
    return failure('cannot specify multiple --image options and command');
  const port = k.flags.number('port') ?? -1;
  const labels = { app: name };
  const containers = images.map((image, index) => ({
    ...(command.length > 0 ? { command } : {}),
    image,
    name: containerName(image),
    ...(port >= 0 && index === 0 ? { ports: [{ containerPort: port }] } : {}),
    resources: {},
  }));
  return {
    kind: 'Deployment',
    manifest: {
      metadata: { labels, name },
      spec: {
        replicas: k.flags.number('replicas') ?? 1,
        selector: { matchLabels: labels },
        strategy: {},
        template: { metadata: { creationTimestamp: null, labels }, spec: { containers } },
      },
      status: {},
    },
  };
}

/** `registry/team/nginx:1.27@sha…` runs in the container `nginx`. */
function containerName(image: string): string {
  const last = image.split('/').at(-1) ?? '';
  return (last.split(/[:@]/)[0] ?? '').replace(/[^-A-Za-z0-9]/g, '-').toLowerCase();
}

function job(k: Invocation, name: string): Made {
  const command = commandOf(k);
  const container = {
    ...(command.length > 0 ? { command } : {}),
    image: k.flags.text('image'),
    name,
    resources: {},
  };
  return {
    kind: 'Job',
    manifest: {
      metadata: { name },
      spec: {
        template: {
          metadata: { creationTimestamp: null },
          spec: { containers: [container], restartPolicy: 'Never' },
        },
      },
      status: {},
    },
  };
}

function data(k: Invocation, name: string, kind: 'ConfigMap' | 'Secret'): Made | Failure {
  const entries: Draft = {};
  for (const literal of k.flags.list('from-literal')) {
    const [, key = '', value = ''] = /^([^=]+)=([^]*)$/.exec(literal) ?? [];
    if (key === '') return failure(`invalid literal source ${literal}, expected key=value`);
    setOwn<DraftValue | undefined>(entries, key, value.replace(/^(['"])([^]*)\1$/, '$2'));
  }
  for (const source of k.flags.list('from-file')) {
    const [, key = '', path = ''] = /^(?:([^=]+)=)?(.+)$/.exec(source) ?? [];
    const read = k.ctx.files.read(absolute(k.ctx.cwd, path));
    if (!read.ok) return failure(`open ${path}: no such file or directory`);
    setOwn<DraftValue | undefined>(entries, key || (path.split('/').at(-1) ?? ''), read.value);
  }
  if (kind === 'Secret')
    for (const [key, value] of Object.entries(entries)) entries[key] = base64(String(value));
  const hasData = Object.keys(entries).length > 0;
  return { kind, manifest: { ...(hasData ? { data: entries } : {}), metadata: { name } } };
}

function base64(text: string): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const bytes = new TextEncoder().encode(text);
  let out = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const triple = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let place = 0; place < 4; place++) {
      out += at + place > bytes.length ? '=' : (digits[(triple >> (18 - 6 * place)) & 63] ?? '');
    }
  }
  return out;
}

function service(k: Invocation, name: string, type: string): Made | Failure {
  const ports: Draft[] = [];
  for (const text of k.flags.list('tcp').flatMap((list) => list.split(','))) {
    const [, port = '', target] = /^(\d+)(?::(.+))?$/.exec(text) ?? [];
    if (port === '')
      return failure(`strconv.ParseUint: parsing ${JSON.stringify(text.split(':')[0])}: invalid syntax`);
    const targetPort = target === undefined ? Number(port) : /^\d+$/.test(target) ? Number(target) : target;
    const nodePort = k.flags.number('node-port') ?? 0;
    ports.push({
      name: text.replace(':', '-'),
      ...(type === 'NodePort' && nodePort > 0 ? { nodePort } : {}),
      port: Number(port),
      protocol: 'TCP',
      targetPort,
    });
  }
  const clusterIP = k.flags.text('clusterip');
  if (ports.length === 0 && type !== 'ExternalName' && clusterIP !== 'None') {
    return failure('at least one tcp port specifier must be provided');
  }
  return {
    kind: 'Service',
    manifest: {
      metadata: { labels: { app: name }, name },
      spec: {
        ...(clusterIP === '' ? {} : { clusterIP }),
        ...(type === 'ExternalName' ? { externalName: k.flags.text('external-name') } : {}),
        ...(ports.length > 0 ? { ports } : {}),
        selector: { app: name },
        type,
      },
      status: { loadBalancer: {} },
    },
  };
}

function ingress(k: Invocation, name: string): Made | Failure {
  const rules = new Map<string, Draft[]>();
  const tls: Draft[] = [];
  for (const rule of k.flags.list('rule')) {
    const [, host = '', path = '', star = '', backend = '', port = '', secure, secret = ''] =
      /^([^/]*)(\/[^=*]*)?(\*?)=([^:,]+):([^,]+?)(,tls(?:=(.*))?)?$/.exec(rule) ?? [];
    if (backend === '')
      return failure(
        `rule ${rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`,
      );
    const paths = rules.get(host) ?? [];
    paths.push({
      backend: {
        service: { name: backend, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } },
      },
      path: path || '/',
      pathType: star === '*' ? 'Prefix' : 'Exact',
    });
    rules.set(host, paths);
    if (secure !== undefined) tls.push({ hosts: [host], ...(secret === '' ? {} : { secretName: secret }) });
  }
  const fallback = k.flags.text('default-backend').split(':');
  if (rules.size === 0 && fallback[0] === '')
    return failure(
      'not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)',
    );
  const className = k.flags.text('class');
  return {
    kind: 'Ingress',
    manifest: {
      metadata: { name },
      spec: {
        ...(className === '' ? {} : { ingressClassName: className }),
        ...(fallback[0] === ''
          ? {}
          : {
              defaultBackend: { service: { name: fallback[0] ?? '', port: { number: Number(fallback[1]) } } },
            }),
        ...(rules.size > 0
          ? {
              rules: [...rules].map(([host, paths]) => ({
                ...(host === '' ? {} : { host }),
                http: { paths },
              })),
            }
          : {}),
        ...(tls.length > 0 ? { tls } : {}),
      },
      status: { loadBalancer: {} },
    },
  };
}

export function* expose(k: Invocation): Task<number> {
  const found = findTargets(k, k.args, { all: false });
  if (found instanceof Failure) return k.fail(found);
  const errors = [...found.errors];
  for (const { resource, object } of found.targets) {
    const selector = exposedSelector(resource.kind, object);
    if (selector === undefined) return k.fail(`cannot expose a ${groupKind(resource)}`);
    if (selector.length === 0) {
      return k.fail(
        "couldn't retrieve selectors via --selector flag or introspection: the pod has no labels and cannot be exposed",
      );
    }
    const ports = exposedPorts(k, resource.kind, object);
    if (ports.length === 0) return k.fail("couldn't find port via --port flag or introspection");
    const pairs: Draft = {};
    for (const [key, value] of selector) setOwn<DraftValue | undefined>(pairs, key, value);
    const labels: Draft = {};
    for (const [key, value] of entriesAt(object, 'metadata.labels'))
      setOwn<DraftValue | undefined>(labels, key, value);
    const type = k.flags.text('type');
    const clusterIP = k.flags.text('cluster-ip');
    const externalIP = k.flags.text('external-ip');
    const affinity = k.flags.text('session-affinity');
    const created = createGenerated(
      k,
      'Service',
      {
        metadata: {
          ...(Object.keys(labels).length > 0 ? { labels } : {}),
          name: k.flags.text('name') || object.metadata.name,
        },
        spec: {
          ...(clusterIP === '' ? {} : { clusterIP }),
          ...(externalIP === '' ? {} : { externalIPs: [externalIP] }),
          ports,
          selector: pairs,
          ...(affinity === '' ? {} : { sessionAffinity: affinity }),
          ...(type === '' ? {} : { type }),
        },
        status: { loadBalancer: {} },
      },
      'exposed',
    );
    if (created instanceof Failure) errors.push(created);
  }
  return k.report(errors);
}

function exposedSelector(kind: string, object: unknown): readonly (readonly [string, string])[] | undefined {
  if (kind === 'Pod') return entriesAt(object, 'metadata.labels');
  if (kind === 'Service') return entriesAt(object, 'spec.selector');
  if (kind === 'Deployment' || kind === 'ReplicaSet') return entriesAt(object, 'spec.selector.matchLabels');
  return undefined;
}

function exposedPorts(k: Invocation, kind: string, object: unknown): Draft[] {
  const given = k.flags.text('port');
  const protocol = k.flags.text('protocol') || 'TCP';
  const target = k.flags.text('target-port');
  const targetOf = (port: number) => (target === '' ? port : /^\d+$/.test(target) ? Number(target) : target);
  if (given !== '') {
    const numbers = given.split(',').map(Number);
    return numbers.map((port, index) => ({
      ...(numbers.length > 1 ? { name: `port-${index + 1}` } : {}),
      port,
      protocol,
      targetPort: targetOf(port),
    }));
  }
  const spec = kind === 'Pod' ? valueAt(object, 'spec') : valueAt(object, 'spec.template.spec');
  const declared =
    kind === 'Service'
      ? listAt(object, 'spec.ports')
      : listAt(spec, 'containers').flatMap((container) => listAt(container, 'ports'));
  const seen = declared.map((port) => ({
    port: Number(textAt(port, kind === 'Service' ? 'port' : 'containerPort')),
    protocol: k.flags.text('protocol') || textAt(port, 'protocol') || 'TCP',
  }));
  return seen.map(({ port, protocol: each }, index) => ({
    ...(seen.length > 1 ? { name: `port-${index + 1}` } : {}),
    port,
    protocol: each,
    targetPort: targetOf(port),
  }));
}
