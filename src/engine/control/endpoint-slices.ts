import { familyOf, parseAddress } from '../api/address.ts';
import { equalJson } from '../api/json.ts';
import { labelOf } from '../api/labels.ts';
import type {
  Endpoint,
  EndpointAddress,
  EndpointPort,
  Endpoints,
  EndpointSlice,
  EndpointSubset,
  IpFamily,
  ObjectReference,
  Pod,
  Service,
  ServicePort,
} from '../api/types.ts';
import type { ControlContext } from './context.ts';
import { latency } from './latency.ts';
import { keyOf, splitKey, WorkQueue } from './queue.ts';
import { controllerReference, isReady } from './replicaset.ts';
import { podsWithLabels, SelectorIndex } from './selection.ts';

/** --max-endpoints-per-slice */
const endpointsPerSlice = 100;
/** The Endpoints object is cut off there. */
const endpointsCapacity = 1000;
const managedBy = 'endpointslice.kubernetes.io/managed-by';
const serviceName = 'kubernetes.io/service-name';
const managerOfEndpoints = 'endpoint-controller';
const sliceController = 'endpointslice-controller.k8s.io';
const mirrorController = 'endpointslicemirroring-controller.k8s.io';

/** EndpointSlices and Endpoints of Services with a selector, and slices that mirror Endpoints made by hand. */
export class EndpointSliceController {
  private readonly context: ControlContext;
  private readonly queue: WorkQueue;
  private readonly selectors = new SelectorIndex();

  constructor(context: ControlContext) {
    this.context = context;
    this.queue = new WorkQueue(context.clock, context.activity, latency.controller, (key) =>
      this.reconcile(key),
    );
    context.store.addIndex(
      'EndpointSlice',
      'service',
      ({ metadata }) => {
        const name = labelOf(metadata.labels, serviceName);
        return name === undefined ? [] : [`${metadata.namespace ?? ''}/${name}`];
      },
      ({ metadata }) => metadata.labels,
    );
    context.store.watch('Service', ({ type, object, previous }) => {
      const { namespace = '', name } = object.metadata;
      this.selectors.set(namespace, name, type === 'DELETED' ? undefined : selectorOf(object));
      if (previous?.spec !== object.spec || previous.metadata.labels !== object.metadata.labels)
        this.queue.add(keyOf(object));
    });
    context.store.watch('Pod', ({ type, object, previous }) => {
      if (type === 'MODIFIED' && previous && !matters(object, previous)) return;
      const { namespace = '', labels } = object.metadata;
      for (const name of this.selectors.candidates(namespace, labels)) this.queue.add(`${namespace}/${name}`);
      if (previous && previous.metadata.labels !== labels)
        for (const name of this.selectors.candidates(namespace, previous.metadata.labels))
          this.queue.add(`${namespace}/${name}`);
    });
    context.store.watch('Endpoints', ({ object }) => this.queue.add(keyOf(object)));
    context.store.watch('EndpointSlice', ({ type, object, previous }) => {
      const name = labelOf(object.metadata.labels, serviceName);
      const ours = labelOf(object.metadata.labels, managedBy);
      if (
        name !== undefined &&
        (ours === sliceController || ours === mirrorController) &&
        (type === 'DELETED' || previous)
      ) {
        this.queue.add(`${object.metadata.namespace ?? ''}/${name}`);
      }
    });
  }

  private reconcile(key: string): void {
    const { store } = this.context;
    const [namespace, name] = splitKey(key);
    const service = store.get('Service', namespace, name);
    const selector = service && selectorOf(service);
    if (service && selector) {
      const pods = podsWithLabels(store, namespace, selector).filter(
        ({ status }) => (status.podIPs?.length ?? 0) > 0,
      );
      this.writeSlices(service, groupEndpoints(service, pods), sliceController);
      this.writeEndpoints(service, pods);
      return;
    }
    const endpoints = store.get('Endpoints', namespace, name);
    if (service && endpoints && isMirrored(endpoints))
      this.writeSlices(service, mirroredEndpoints(endpoints), mirrorController, endpoints);
    else if (!service && endpoints && isManaged(endpoints)) this.context.server.removeNow(endpoints);
  }

  private writeSlices(
    service: Service,
    groups: readonly EndpointGroup[],
    manager: string,
    owner: Service | Endpoints = service,
  ): void {
    const { store, server } = this.context;
    const { namespace = '', name } = service.metadata;
    const existing = store
      .indexed('EndpointSlice', 'service', `${namespace}/${name}`)
      .filter((slice) => labelOf(slice.metadata.labels, managedBy) === manager);
    const used = new Set<EndpointSlice>();
    const labels = {
      ...service.metadata.labels,
      [managedBy]: manager,
      [serviceName]: name,
      ...(service.spec.clusterIP === 'None' && manager === sliceController
        ? { 'service.kubernetes.io/headless': '' }
        : {}),
    };
    for (const group of groups) {
      const slices = existing.filter(
        ({ addressType, ports }) => addressType === group.family && equalJson(ports ?? [], group.ports),
      );
      for (const [slice, endpoints] of distribute(slices, group.endpoints)) {
        if (slice) {
          used.add(slice);
          if (equalJson(slice.endpoints ?? [], endpoints) && equalJson(slice.metadata.labels, labels))
            continue;
          server.modify('EndpointSlice', namespace, slice.metadata.name, (live) => ({
            ...live,
            metadata: { ...live.metadata, labels, generation: (live.metadata.generation ?? 0) + 1 },
            endpoints,
          }));
        } else {
          const prefix = `${name.slice(0, 57)}-`;
          server.createTrusted('EndpointSlice', {
            metadata: {
              namespace,
              generateName: prefix,
              labels,
              ownerReferences: [controllerReference(owner)],
            },
            addressType: group.family,
            endpoints,
            ports: group.ports,
          });
        }
      }
    }
    for (const slice of existing) if (!used.has(slice)) server.removeNow(slice);
  }

  private writeEndpoints(service: Service, pods: readonly Pod[]): void {
    const { store, server } = this.context;
    const { namespace = '', name } = service.metadata;
    const subsets = subsetsOf(service, pods);
    const labels = {
      ...service.metadata.labels,
      'endpoints.kubernetes.io/managed-by': managerOfEndpoints,
      ...(service.spec.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {}),
    };
    const live = store.get('Endpoints', namespace, name);
    if (!live) {
      server.createTrusted('Endpoints', {
        metadata: { namespace, name, labels },
        ...(subsets.length > 0 ? { subsets } : {}),
      });
    } else if (!equalJson(live.subsets ?? [], subsets) || !equalJson(live.metadata.labels, labels)) {
      server.modify('Endpoints', namespace, name, ({ subsets: _, ...rest }) => ({
        ...rest,
        metadata: { ...rest.metadata, labels },
        ...(subsets.length > 0 ? { subsets } : {}),
      }));
    }
  }
}

interface EndpointGroup {
  readonly family: IpFamily;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

function selectorOf(service: Service): Service['spec']['selector'] {
  const { selector, type } = service.spec;
  return selector !== undefined && Object.keys(selector).length > 0 && type !== 'ExternalName'
    ? selector
    : undefined;
}

function isManaged(endpoints: Endpoints): boolean {
  return labelOf(endpoints.metadata.labels, 'endpoints.kubernetes.io/managed-by') === managerOfEndpoints;
}

function isMirrored(endpoints: Endpoints): boolean {
  return (
    !isManaged(endpoints) &&
    labelOf(endpoints.metadata.labels, 'endpointslice.kubernetes.io/skip-mirror') !== 'true'
  );
}

/** What endpoints are made of; the rest of a pod's status is not worth a reconciliation. */
function matters(pod: Pod, previous: Pod): boolean {
  return (
    pod.metadata.labels !== previous.metadata.labels ||
    pod.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp ||
    pod.status.phase !== previous.status.phase ||
    isReady(pod) !== isReady(previous) ||
    !equalJson(pod.status.podIPs, previous.status.podIPs)
  );
}

/** podutil.FindPort: a named targetPort is looked up among the pod's containers, sidecars too. */
function targetPortOf(pod: Pod, port: ServicePort): number | undefined {
  const { targetPort } = port;
  if (typeof targetPort === 'number') return targetPort === 0 ? port.port : targetPort;
  if (targetPort === undefined || targetPort === '') return port.port;
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const container of [...pod.spec.containers, ...sidecars]) {
    for (const { name, containerPort, protocol } of container.ports ?? []) {
      if (name === targetPort && (protocol ?? 'TCP') === (port.protocol ?? 'TCP')) return containerPort;
    }
  }
  return undefined;
}

interface ResolvedPorts {
  readonly ports: readonly EndpointPort[];
  /** What tells them from others. */
  readonly id: string;
}

/** The ports of a Service as a pod has them; pods of one template have the same. */
function portResolver(service: Service): (pod: Pod) => ResolvedPorts {
  const known = new Map<Pod['spec']['containers'], ResolvedPorts>();
  return (pod) => {
    const { containers, initContainers } = pod.spec;
    let found = initContainers === undefined ? known.get(containers) : undefined;
    if (found === undefined) {
      const ports = portsFor(service, pod);
      const id = ports.map((p) => `${p.name ?? ''}/${p.protocol ?? ''}/${p.port ?? ''}`).join();
      found = { ports, id };
      if (initContainers === undefined) known.set(containers, found);
    }
    return found;
  };
}

function portsFor(service: Service, pod: Pod): EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const port of service.spec.ports ?? []) {
    const target = targetPortOf(pod, port);
    if (target === undefined) continue;
    const { appProtocol } = port;
    ports.push({
      name: port.name ?? '',
      protocol: port.protocol ?? 'TCP',
      port: target,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    });
  }
  return ports;
}

/** EndpointSlice reconciler: pods grouped by address family and by the ports that they resolve to. */
function groupEndpoints(service: Service, pods: readonly Pod[]): EndpointGroup[] {
  const groups = new Map<
    string,
    { family: IpFamily; ports: readonly EndpointPort[]; endpoints: Endpoint[] }
  >();
  const { publishNotReadyAddresses, ipFamilies = ['IPv4'] } = service.spec;
  const resolve = portResolver(service);
  for (const pod of pods) {
    if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') continue;
    const resolved = resolve(pod);
    const { ports } = resolved;
    for (const family of ipFamilies) {
      const ip = pod.status.podIPs?.find((candidate) => familyOf(candidate.ip) === family)?.ip;
      if (ip === undefined) continue;
      const id = `${family} ${resolved.id}`;
      let group = groups.get(id);
      if (!group) groups.set(id, (group = { family, ports, endpoints: [] }));
      group.endpoints.push(endpointOf(service, pod, ip, publishNotReadyAddresses === true));
    }
  }
  if (groups.size > 0) return [...groups.values()];
  // A placeholder says that the controller has looked.
  return ipFamilies.map((family) => ({ family, ports: [], endpoints: [] }));
}

function endpointOf(service: Service, pod: Pod, ip: string, publishNotReady: boolean): Endpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const { hostname, subdomain, nodeName } = pod.spec;
  const named = hostname !== undefined && subdomain === service.metadata.name;
  return {
    addresses: [ip],
    conditions: conditionsOf(publishNotReady || (serving && !terminating), serving, terminating),
    ...(named ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: referenceTo(pod),
  };
}

/** Endpoints in the same state share its description. */
const allConditions = new Map<number, NonNullable<Endpoint['conditions']>>();

function conditionsOf(
  ready: boolean,
  serving: boolean,
  terminating: boolean,
): NonNullable<Endpoint['conditions']> {
  const key = Number(ready) + 2 * Number(serving) + 4 * Number(terminating);
  let conditions = allConditions.get(key);
  if (conditions === undefined) allConditions.set(key, (conditions = { ready, serving, terminating }));
  return conditions;
}

/** A pod is referred to by its slices and by its Endpoints. */
const references = new WeakMap<Pod, ObjectReference>();

function referenceTo(pod: Pod): ObjectReference {
  let reference = references.get(pod);
  if (reference === undefined) {
    const { name, namespace = '', uid } = pod.metadata;
    references.set(pod, (reference = { kind: 'Pod', namespace, name, uid }));
  }
  return reference;
}

function mirroredEndpoints(endpoints: Endpoints): EndpointGroup[] {
  const groups: EndpointGroup[] = [];
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of endpoints.subsets ?? []) {
    for (const family of ['IPv4', 'IPv6'] as const) {
      const of = (list: readonly EndpointAddress[], ready: boolean): Endpoint[] =>
        list
          .filter(({ ip }) => familyOf(ip) === family)
          .map(({ ip, hostname, nodeName, targetRef }) => ({
            addresses: [ip],
            conditions: { ready },
            ...(hostname === undefined ? {} : { hostname }),
            ...(nodeName === undefined ? {} : { nodeName }),
            ...(targetRef === undefined ? {} : { targetRef }),
          }));
      const list = [...of(addresses, true), ...of(notReadyAddresses, false)];
      if (list.length > 0)
        groups.push({
          family,
          ports: ports.map((port) => ({ name: '', protocol: 'TCP', ...port })),
          endpoints: list,
        });
    }
  }
  return groups;
}

/** Keeps endpoints in the slice where they are, fills the gaps, then makes new slices. */
function distribute(
  slices: readonly EndpointSlice[],
  wanted: readonly Endpoint[],
): (readonly [EndpointSlice | undefined, readonly Endpoint[]])[] {
  const byAddress = new Map(wanted.map((endpoint) => [endpoint.addresses[0] ?? '', endpoint]));
  const kept = slices.map((slice): [EndpointSlice | undefined, Endpoint[]] => {
    const endpoints: Endpoint[] = [];
    for (const old of slice.endpoints ?? []) {
      const address = old.addresses[0] ?? '';
      const endpoint = byAddress.get(address);
      if (!endpoint) continue;
      endpoints.push(equalJson(old, endpoint) ? old : endpoint);
      byAddress.delete(address);
    }
    return [slice, endpoints];
  });
  const fresh = [...byAddress.values()];
  let next = 0;
  for (const [, endpoints] of kept)
    while (endpoints.length < endpointsPerSlice && next < fresh.length)
      endpoints.push(fresh[next++] as Endpoint);
  while (next < fresh.length) {
    kept.push([undefined, fresh.slice(next, next + endpointsPerSlice)]);
    next += endpointsPerSlice;
  }
  if (kept.length === 0) kept.push([undefined, []]);
  // Empty slices go, but for one that stands for an empty Service.
  const full = kept.filter(([, endpoints]) => endpoints.length > 0);
  return full.length > 0 ? full : kept.slice(0, 1);
}

/** The Endpoints controller's subsets: packed by ports, addresses sorted (RepackSubsets). */
function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const subsets = new Map<
    string,
    { ready: EndpointAddress[]; notReady: EndpointAddress[]; ports: readonly EndpointPort[] }
  >();
  const [family = 'IPv4'] = service.spec.ipFamilies ?? [];
  const resolve = portResolver(service);
  const headless = service.spec.clusterIP === 'None';
  let count = 0;
  for (const pod of pods) {
    const ended = pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
    if (ended || (pod.metadata.deletionTimestamp !== undefined && !service.spec.publishNotReadyAddresses))
      continue;
    const ip = pod.status.podIPs?.find((candidate) => familyOf(candidate.ip) === family)?.ip;
    if (ip === undefined || ++count > endpointsCapacity) continue;
    const { ports, id } = resolve(pod);
    if (ports.length === 0 && !headless) continue;
    const { nodeName, hostname, subdomain } = pod.spec;
    const address: EndpointAddress = {
      ip,
      ...(hostname !== undefined && subdomain === service.metadata.name ? { hostname } : {}),
      ...(nodeName === undefined ? {} : { nodeName }),
      targetRef: referenceTo(pod),
    };
    let subset = subsets.get(id);
    if (!subset) {
      const named = ports.map(({ name, ...rest }) => ({ ...(name ? { name } : {}), ...rest }));
      subsets.set(id, (subset = { ready: [], notReady: [], ports: named }));
    }
    (isReady(pod) || service.spec.publishNotReadyAddresses ? subset.ready : subset.notReady).push(address);
  }
  return [...subsets.values()].map(({ ready, notReady, ports }) => ({
    ...(ready.length > 0 ? { addresses: inOrder(ready) } : {}),
    ...(notReady.length > 0 ? { notReadyAddresses: inOrder(notReady) } : {}),
    ...(ports.length > 0 ? { ports } : {}),
  }));
}

function inOrder(addresses: readonly EndpointAddress[]): readonly EndpointAddress[] {
  if (addresses.length < 2) return addresses;
  const keyed = addresses.map((address) => ({ address, key: parseAddress(address.ip)?.value ?? 0n }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ address }) => address);
}
