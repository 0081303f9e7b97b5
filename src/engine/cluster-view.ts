import type { ApiServer } from './api/server.ts';
import type { Pod, Service } from './api/types.ts';
import type { Cni } from './cni/cni.ts';
import { formatIp, formatMac, formatPrefix } from './net/address.ts';
import type { Device } from './net/device.ts';
import type { Netns } from './net/netns.ts';
import { Veth } from './net/veth.ts';
import type { World } from './net/world.ts';
import type { EngineRuntime } from './runtime.ts';
import type { Sandbox } from './sandbox.ts';
import type { ClusterView, InterfaceView, MachineView, PodView, ServiceView } from './view.ts';

export interface ViewSources {
  readonly world: World;
  readonly api: ApiServer;
  readonly cni: Cni;
  readonly cniName: string;
  readonly runtime: EngineRuntime;
}

/** What there is to draw, read from the API and from the namespaces themselves. */
export function clusterView({ world, api, cni, cniName, runtime }: ViewSources): ClusterView {
  const { store } = api;
  const machines: MachineView[] = [];
  for (const [name, kind] of surroundings) {
    const netns = world.netnses.get(name);
    if (netns !== undefined)
      machines.push({ netns: name, kind, controlPlane: false, ready: true, interfaces: interfacesOf(netns) });
  }
  for (const node of store.list('Node')) {
    const machine = runtime.machines.get(node.metadata.name);
    if (machine === undefined) continue;
    const [podCIDR] = machine.cni?.podCIDRs ?? [];
    const [nodeIP] = machine.cni?.ips ?? [];
    machines.push({
      netns: machine.netns.name,
      kind: 'node',
      controlPlane: Object.hasOwn(node.metadata.labels ?? {}, 'node-role.kubernetes.io/control-plane'),
      ready: node.status.conditions?.find(({ type }) => type === 'Ready')?.status !== 'False',
      ...(nodeIP === undefined ? {} : { address: formatIp(nodeIP) }),
      ...(podCIDR === undefined ? {} : { podCIDR: formatPrefix(podCIDR) }),
      interfaces: interfacesOf(machine.netns),
    });
  }
  return {
    now: world.now,
    cni: cniName,
    machines,
    pods: store.list('Pod').map((pod) => podView(pod, runtime)),
    services: store.list('Service').map((service) => serviceView(service, api)),
    policies: store.list('NetworkPolicy').map(({ metadata }) => ({
      namespace: metadata.namespace ?? 'default',
      name: metadata.name,
      enforced: cni.enforcesPolicy,
    })),
  };
}

const surroundings: readonly (readonly [string, MachineView['kind']])[] = [
  ['lan', 'switch'],
  ['router', 'router'],
  ['ext', 'external'],
];

function podView(pod: Pod, runtime: EngineRuntime): PodView {
  const { metadata, spec, status } = pod;
  const sandbox = runtime.sandboxes.get(metadata.uid);
  const namespace = metadata.namespace ?? 'default';
  const hostNetwork = spec.hostNetwork === true;
  return {
    netns: sandbox?.netnsName ?? (namespace === 'default' ? metadata.name : `${namespace}/${metadata.name}`),
    name: metadata.name,
    namespace,
    uid: metadata.uid,
    ...(spec.nodeName === undefined ? {} : { node: spec.nodeName }),
    phase: metadata.deletionTimestamp === undefined ? (status.phase ?? 'Pending') : 'Terminating',
    ready: status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True',
    hostNetwork,
    ips: status.podIPs?.map(({ ip }) => ip) ?? sandbox?.ips ?? [],
    labels: metadata.labels ?? {},
    containers: spec.containers.map(({ name, image = '' }) => ({
      name,
      image,
      state: containerState(pod, name),
      listens: listensOf(sandbox, name),
    })),
    interfaces: sandbox === undefined || hostNetwork ? [] : interfacesOf(sandbox.netns),
  };
}

function listensOf(sandbox: Sandbox | undefined, container: string): readonly string[] {
  return sandbox?.runs(container)?.current?.listens ?? [];
}

/** The word that `kubectl get pods` would choose for it. */
function containerState({ status }: Pod, name: string): string {
  const state = status.containerStatuses?.find((one) => one.name === name)?.state;
  if (state?.running !== undefined) return 'Running';
  return state?.waiting?.reason ?? state?.terminated?.reason ?? 'Waiting';
}

function interfacesOf(netns: Netns): InterfaceView[] {
  return netns.links().map((device) => interfaceView(device));
}

function interfaceView(device: Device): InterfaceView {
  const peer = device instanceof Veth ? device.peer : undefined;
  return {
    name: device.name,
    kind: kindOf(device),
    mac: formatMac(device.mac),
    addresses: device.addresses.map(({ ip, length }) => `${formatIp(ip)}/${length}`),
    mtu: device.mtu,
    up: device.up,
    ...(device.master === undefined ? {} : { master: device.master.name }),
    ...(peer === undefined ? {} : { peer: { netns: peer.netns.name, dev: peer.name } }),
  };
}

function kindOf({ kind, name, netns }: Device): InterfaceView['kind'] {
  if (kind === 'loopback') return 'lo';
  return kind === 'veth' && netns.kind !== 'pod' && netns.kind !== 'switch' && /^eth\d+$/.test(name)
    ? 'physical'
    : kind;
}

function serviceView({ metadata, spec }: Service, { store }: ApiServer): ServiceView {
  const namespace = metadata.namespace ?? 'default';
  const endpoints: { readonly ip: string; readonly pod?: string; readonly ready: boolean }[] = [];
  for (const slice of store.indexed('EndpointSlice', 'dns-service', `${namespace}/${metadata.name}`))
    for (const { addresses, conditions, targetRef } of slice.endpoints ?? [])
      for (const ip of addresses)
        endpoints.push({
          ip,
          ...(targetRef?.kind === 'Pod' && targetRef.name !== undefined ? { pod: targetRef.name } : {}),
          ready: conditions?.ready !== false,
        });
  return {
    name: metadata.name,
    namespace,
    type: spec.type ?? 'ClusterIP',
    clusterIPs: spec.clusterIPs ?? [],
    ports: (spec.ports ?? []).map(({ name, protocol, port, targetPort, nodePort }) => ({
      ...(name === undefined ? {} : { name }),
      protocol: protocol ?? 'TCP',
      port,
      targetPort: String(targetPort ?? port),
      ...(nodePort === undefined ? {} : { nodePort }),
    })),
    endpoints,
  };
}
